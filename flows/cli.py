"""The command line: train, prove, promote and use the shop's own language model."""

import errno
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from ecom_llm.records import UserError
from flows.approval.commands import approve, reject
from flows.data import commands as data
from flows.entering import RecipeOption, Settings, enter, forgo_prefect, require_servers
from flows.keeping import clean, reconcile
from flows.study import commands as study
from flows.sweep.commands import sweep
from tasks.dvc import StageError


def installed_version() -> str:
    """The version that pip knows."""
    from importlib.metadata import version

    return version("ecom-llm")


app = App(
    name="ecom-llm",
    help=__doc__,
    version=installed_version,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

for command in (data.add, data.inspect, data.app, sweep, study.app, approve, reject, reconcile, clean):
    app.command(command)


@app.command
def run(*, recipe: RecipeOption = None, set_: Settings = (), promote: bool = True) -> None:
    """Train, evaluate, register and judge a model; if the gate approves, it becomes champion.

    Works on a snapshot of the checkout: edit on while it runs. What is up to date is not computed again.

    For example:

        ecom-llm run
        ecom-llm run --recipe recipes/tiny.yaml
        ecom-llm run --set train.max_steps=300 --set promote.thresholds.0.threshold=0.9
        ecom-llm run --no-promote

    Parameters
    ----------
    recipe
        YAML file laid over params.yaml for this run.
    set_
        One value for this run, `section.key=value`; may be repeated. Digits step into lists.
    promote
        Whether an approved candidate becomes champion.
    """
    from flows.checkout import settled_version, standing_of
    from flows.working import at_work, beginning_flows, mend_first
    from tasks.git import require_repository

    layout, params = enter(recipe, set_)
    require_repository(layout.workspace)
    with at_work():
        mend_first(layout)
        known = settled_version(layout, params, promote) if recipe is None and not set_ else None
        if known is not None:
            print(f"Nothing changed: {standing_of(*known)}. Nothing to do.")
            return
        require_servers(layout, params)
        from flows.summary import told
        from flows.training import training_pipeline

        with beginning_flows():
            decision = training_pipeline(params, promote=promote)
    print(f"\n{told(decision, layout, recipe)}")


@app.command
def up(*, prefect_port: int | None = None, mlflow_port: int | None = None) -> None:
    """Start Prefect's and MLflow's servers with their UIs, and serve the deployments, until Ctrl-C.

    Servers named by PREFECT_API_URL or MLFLOW_TRACKING_URI are used instead of started.

    For example:

        ecom-llm up
        ecom-llm up --prefect-port 4300 --mlflow-port 5300

    Parameters
    ----------
    prefect_port
        Port of Prefect's server and UI; without it 4200, or a free one.
    mlflow_port
        Port of MLflow's server and UI; without it 5000, or a free one.
    """
    from flows.up import keep_up

    layout, _ = enter()
    sys.exit(keep_up(layout, prefect_port, mlflow_port))


@app.command
def status(*, recipe: RecipeOption = None) -> None:
    """Say which versions are champion, candidate and previous, and whether the checkout's results are up to date.

    For example:

        ecom-llm status
        ecom-llm status --recipe recipes/tiny.yaml

    Parameters
    ----------
    recipe
        Recipe that names the registered model.
    """
    from ecom_llm.registry import open_registry
    from flows.checkout import describe_status

    layout, params = enter(recipe)
    print(describe_status(open_registry(params.registry.model_name, layout), layout))


@app.command
def promote(version: str, *, recipe: RecipeOption = None) -> None:
    """Hold a registered version against the rules of today and, if they approve, make it champion.

    For example:

        ecom-llm promote 3

    Parameters
    ----------
    version
        Number of the version, as `ecom-llm status` shows it.
    recipe
        Recipe that names the registered model and its rules.
    """
    from ecom_llm.registry import open_registry
    from flows.working import at_work, beginning_flows, mend_first

    layout, params = enter(recipe)
    require_servers(layout, params)
    with at_work():
        mend_first(layout)
        registry = open_registry(params.registry.model_name, layout)
        registry.version(version)  # say so at once where there is none
        from flows.checkout import standing_of
        from flows.promotion import promotion

        with beginning_flows():
            decision = promotion(version, params)
    print("\n".join(["", decision.verdict, *decision.lines()]))
    if not decision.approved:
        raise UserError(
            f"version {version} was not promoted: the gate refused it. Its rules: promote in params.yaml, or in the recipe."
        )
    champion = registry.aliases().get("champion") == version
    print(f"Version {version} is champion." if champion else f"{standing_of(registry, registry.version(version))}.")


@app.command
def rollback(*, to: str | None = None, recipe: RecipeOption = None) -> None:
    """Give the shop its previous champion back; a second rollback goes further back.

    For example:

        ecom-llm rollback
        ecom-llm rollback --to 3

    Parameters
    ----------
    to
        Number of an earlier champion, to go back to that one.
    recipe
        Recipe that names the registered model.
    """
    # as `--to "$VERSION"` is where that is not set: one step back is not what was meant
    if to is not None and not to.strip():
        raise UserError("--to is empty. Give the number of an earlier champion, or leave --to out for the one before.")
    from flows.working import at_work, mend_first
    from tasks.standby import standing_by

    layout, params = enter(recipe)
    with standing_by():
        forgo_prefect()
        with at_work():
            from tasks.back import go_back

            # no flow: a shop with a bad model does not wait until one is begun, nor until what a crash has left is mended
            _, champion = go_back(params.registry.model_name, to)
            print(f"\n{champion.model_name} version {champion.number} is champion again.", flush=True)
            mend_first(layout)


@app.command
def history(*, recipe: RecipeOption = None) -> None:
    """Tell what happened to the model's versions, and whether the journal that says so is whole.

    For example:

        ecom-llm history

    Parameters
    ----------
    recipe
        Recipe that names the registered model.
    """
    from ecom_llm.registry import open_registry
    from flows.history import history as told

    layout, params = enter(recipe)
    print(told(open_registry(params.registry.model_name, layout)))


@app.command
def verify(version: str, *, recipe: RecipeOption = None) -> None:
    """Follow a version's chain, offline: weights, params, lock, code, data, decision and journal are what they were.

    Exit code 0 where it is whole, 1 where a link is broken, or where what would prove it is not here; the first one is named.

    For example:

        ecom-llm verify champion
        ecom-llm verify 3

    Parameters
    ----------
    version
        Number of the version, or an alias: champion, candidate or previous.
    recipe
        Recipe that names the registered model.
    """
    from ecom_llm.registry import open_registry
    from ecom_llm.registry.signing import BrokenLink
    from flows.verify import chain_lines

    layout, params = enter(recipe)
    try:
        for line in chain_lines(open_registry(params.registry.model_name, layout), version, layout):
            print(line, flush=True)
    except BrokenLink as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


@app.command
def write(
    skill: str,
    *,
    attr: Annotated[tuple[str, ...], Parameter(name="--attr", negative="", show_default=False)] = (),
    locale: str | None = None,
    version: str | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
    recipe: RecipeOption = None,
    set_: Settings = (),
) -> None:
    """Let the champion write, or show what buyers say of a product.

    For example:

        ecom-llm write describe --attr category=dress --attr colour=red --locale en
        ecom-llm write advertise --attr category=连衣裙 --attr 颜色=红色 --locale zh
        ecom-llm write describe --attr category=dress --version 2
        ecom-llm write recommend --attr "history=red kettle; steel pan" --locale en
        ecom-llm write answer --attr product=P00001 --attr "question=What colour is it?" --locale en
        ecom-llm write review --attr stars=5 --set evaluate.decoding=sampling --set evaluate.top_p=0.9
        ecom-llm write summarise --attr product=P00001 --locale en --json

    Parameters
    ----------
    skill
        describe, advertise, review, answer, recommend or summarise.
    attr
        What is known, `name=value`; may be repeated. For summarise and answer: product=ID, and shop=NAME where shops have names.
    locale
        Language to write in; without it that of params.yaml's first source.
    version
        Another version than the champion.
    json
        Print a JSON object: of a summary with every quote, its review and its place there.
    recipe
        Recipe that names the registered model.
    set_
        One value for this call, `section.key=value`, such as how to write: `evaluate.decoding`; may be repeated. Without it a
        version writes as it is served, by the params that it was measured with.
    """
    from flows.writing import written

    layout, params = enter(recipe, set_)
    print(written(layout, params, skill, attr, locale or params.collect.sources[0].locale, version, json, set_))


def on_sigterm(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does: what cleans up behind itself gets to do so."""
    raise KeyboardInterrupt


def mishap(error: OSError) -> str:
    """A failure of the disk in one sentence."""
    where = error.filename or "the disk"
    if error.errno == errno.ENOSPC:
        return f"{where}: no space is left. Make room, or name a folder on another disk: ECOM_LLM_STATE=DIR."
    return f"{where}: {error.strerror or error}. Check that it exists and that you may write there."


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 failed, 2 the user can mend it, 130 interrupted."""
    signal.signal(signal.SIGTERM, on_sigterm)
    try:
        app(arguments, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever read along, `head` say, has seen enough; at its end Python would try to write the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    except (UserError, CycloptsError) as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except OSError as error:
        print(f"error: {mishap(error)}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        code = 130
    except StageError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 1
    else:
        return
    sys.exit(code)
