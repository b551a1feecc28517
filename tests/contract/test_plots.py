"""What `dvc plots show` draws of slices.csv: a chart a metric, and no system's bar on another's."""

import csv
import json
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
import yaml

from ecom_llm.evaluate.report import COLUMNS

REPO = Path(__file__).parents[2]
SYSTEMS, METRICS = ("model", "template"), ("bleu", "hit@10")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> dict:
    """DVC's own Vega-Lite of two systems' two metrics, by the plots of dvc.yaml."""
    folder = tmp_path_factory.mktemp("plots")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], cwd=folder, check=True)
    shutil.copytree(REPO / ".dvc" / "plots", folder / ".dvc" / "plots", dirs_exist_ok=True)
    plots = yaml.safe_load((REPO / "dvc.yaml").read_text())["plots"]
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"plots": plots}))
    (folder / "reports").mkdir()
    with (folder / "reports" / "slices.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for metric, system, locale in product(METRICS, SYSTEMS, ("en", "zh")):
            writer.writerow([f"x/{locale}/{metric}", "x", locale, metric, system, 0.5, 0.25, ""])
    told = subprocess.run(
        [sys.executable, "-m", "dvc", "plots", "show", "--show-vega", "reports/slices.csv"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(told.stdout)


def test_each_metric_has_a_chart_with_a_scale_of_its_own(drawn):
    """BLEU goes to 100 and a share to 1: on one scale nothing would be seen of the share."""
    assert drawn["facet"]["field"] == "metric"
    assert drawn["resolve"]["scale"] == {"x": "independent", "y": "independent"}
    assert drawn["title"]["text"] == "Metrics per skill and locale"


def test_each_system_and_revision_has_a_bar_of_its_own(drawn):
    """Vega-Lite stacks or covers what has one place: the place names slice, system and revision."""
    place = drawn["spec"]["encoding"]["y"]["field"]
    (told,) = [one["calculate"] for one in drawn["transform"] if one["as"] == place]
    written = re.findall(r"datum\.(\w+)(?! ===)\b", told)
    assert {"skill", "locale", "system", "rev"} == set(written)
    bars = drawn["spec"]["layer"][0]["encoding"]
    assert bars["x"]["field"] == "value"
    assert bars["color"]["field"] == "system"
    assert bars["stroke"]["field"] == "rev", "DVC's colours of revisions stand around the bars"
    rows = drawn["data"]["values"]
    places = {(row["metric"], row["skill"], row["locale"], row["system"], row["rev"]) for row in rows}
    assert len(places) == len(rows) == 8


def test_nothing_of_the_template_is_left_open_and_every_field_is_a_column(drawn):
    assert "DVC_METRIC" not in json.dumps(drawn)
    made = {one["as"] for one in drawn["transform"]}

    def fields(part: object) -> set[str]:
        if isinstance(part, list):
            return set().union(*map(fields, part))
        if not isinstance(part, dict):
            return set()
        own = {part["field"]} if isinstance(part.get("field"), str) else set()
        return own.union(*map(fields, part.values()))

    assert fields({name: part for name, part in drawn.items() if name != "data"}) <= {*COLUMNS, "rev", *made}
