"""What Prefect's UI shows of a run: the metric table, the gate's decision, and links to the version and its page."""

from pathlib import Path

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from ecom_llm.evaluate.evidence import Evidence
from ecom_llm.promote.decision import GateDecision
from ecom_llm.promote.summary import metric_table


def publish_metrics(evidence: Evidence) -> None:
    """Every metric per skill and locale, beside its baselines."""
    create_markdown_artifact(
        key="metrics", markdown=metric_table(evidence), description=f"Measured on {evidence.examples} test examples"
    )


def publish_decision(decision: GateDecision, page: Path) -> None:
    """The gate's decision, line by line, and where the run's page lies."""
    markdown = f"{decision.markdown()}\n\nPage: `{page}`\n"
    create_markdown_artifact(key="gate-decision", markdown=markdown, description=decision.verdict)


def publish_links(version_url: str | None, run_url: str | None) -> None:
    """Links to MLflow's UI, where the registry is a server's."""
    if version_url is not None:
        create_link_artifact(key="mlflow-version", link=version_url, link_text="Model version in MLflow")
    if run_url is not None:
        create_link_artifact(key="mlflow-run", link=run_url, link_text="Run in MLflow")


def publish_trials(rows: list[dict[str, str]], name: str) -> None:
    """The table of a sweep's trials."""
    create_table_artifact(key="sweep", table=rows, description=f"Trials of {name}; the best has a star")
