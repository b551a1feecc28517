"""The model card: read by the Hub's own reader, true of the files it was made from, and short enough for MLflow."""

from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard
from safetensors.numpy import save_file

from ecom_llm.evaluate.evidence import Evidence, Subset
from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params
from ecom_llm.records import UserError
from ecom_llm.registry.model_card import LONGEST, Described, described, description, model_card
from tests.unit.prepare.card.conftest import card_of

REPO = Path(__file__).parents[2]


def subset(name: str, coverage: float, bits: float = 1.0) -> Subset:
    return Subset(
        name=name,
        skill="describe",
        locale="en",
        examples=21,
        metrics={"attribute_coverage": coverage, "bits_per_byte": bits, "bleu": 1.0},
        intervals={"attribute_coverage": (0.1, 0.9)},
    )


def evidence(locales: tuple[str, ...] = ("en", "zh"), **values: object) -> Evidence:
    measured = {"bits_per_byte": 0.8, "attribute_coverage": 0.9, "bleu": 12.0}
    others = {"bits_per_byte": 1.5, "attribute_coverage": 1.0}
    fields = {
        "test_set": "t" * 64,
        "tokenizer": "k" * 64,
        "examples": 60,
        "metrics": {
            "all": {"all": {"bits_per_byte": 0.8, "attribute_coverage": 0.9}},
            "describe": dict.fromkeys(("all", *locales), measured),
        },
        "intervals": {"describe": {locale: {"attribute_coverage": (0.85, 0.95)} for locale in locales}},
        "subsets": (subset("category=hat", 0.7, 0.9), subset("category=<b>|coat", 0.4), subset("source=a.csv", 0.8)),
        "baselines": {
            "reference": {"describe": {locale: {"attribute_coverage": 0.95} for locale in locales}},
            "template": {"describe": dict.fromkeys(locales, others)},
            "nearest_neighbour": {
                "describe": {locale: {"attribute_coverage": 0.3, "bits_per_byte": 1.2} for locale in locales}
            },
        },
    }
    return Evidence.model_validate(fields | values)


@pytest.fixture(scope="module")
def params() -> Params:
    return load_params(REPO / "params.yaml")


def made(params: Params, found: Evidence, **findings: int) -> Described:
    return Described(params, found, card_of(10, 1, **findings), 1_234_567, "abc123", "f" * 64)


def table_row(text: str, start: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return line


def test_the_hub_reads_its_metadata_and_every_score(params):
    card = ModelCard(model_card(made(params, evidence())))
    assert (card.data.model_name, card.data.library_name, card.data.pipeline_tag) == (
        params.registry.model_name,
        "transformers",
        "text-generation",
    )
    assert card.data.language == ["en", "zh"]
    scores = {(one.dataset_name, one.metric_type): one.metric_value for one in card.data.eval_results}
    assert scores["describe/en, test split", "attribute_coverage"] == 0.9
    assert scores["all/all, test split", "bits_per_byte"] == 0.8
    assert ("describe/en, test split", "bleu") not in scores, "no rule of the gate asks for it"
    assert ("all/all, test split", "attribute_coverage") not in scores, "a total that no rule asks for"
    assert "# " + params.registry.model_name in card.text


def test_a_score_stands_beside_people_and_the_best_baseline_by_its_own_direction(params):
    text = made(params, evidence()).text()
    assert table_row(text, "| describe/en | attribute_coverage | higher") == (
        "| describe/en | attribute_coverage | higher | 0.9 (0.85 to 0.95) | 0.95 | 1 (template) |"
    )
    assert table_row(text, "| describe/en | bits_per_byte | lower").endswith("|  | 1.2 (nearest neighbour) |")


def test_the_weakest_category_is_named_and_cannot_break_the_page(params):
    text = made(params, evidence()).text()
    weak = text.split("## Where it is weakest")[1]
    assert table_row(weak, "| describe/en | attribute_coverage") == (
        r"| describe/en | attribute_coverage | category=&lt;b&gt;\|coat: 0.4 (0.1 to 0.9), 21 examples |"
    )
    assert "category=&lt;b&gt;" in table_row(weak, "| describe/en | bits_per_byte"), "the most bits, not the fewest"
    assert "Where it is weakest" not in made(params, evidence(subsets=())).text()


def test_it_says_what_was_done_about_personal_data(params):
    assert "placeholders: 7 findings" in made(params, evidence(), email=3, phone=4).text()
    kept = params.model_copy(update={"prepare": params.prepare.model_copy(update={"scrub_personal_data": False})})
    assert "**Personal data was not replaced**" in made(kept, evidence()).text()


def test_a_masked_model_is_not_said_to_write(params):
    found = evidence(objective="masked")
    card = ModelCard(model_card(made(params, found)))
    assert card.data.pipeline_tag == "fill-mask"
    assert "It writes nothing" in card.text and "pyfunc" not in card.text


@pytest.mark.parametrize("locales", [2, 40, 400])
def test_a_description_fits_into_mlflow_s_field_and_says_what_it_left_out(params, locales):
    found = made(params, evidence(tuple(f"x{number}" for number in range(locales))))
    short = description(found)
    assert len(short) <= LONGEST
    assert short.rstrip().endswith("`decision.md`."), "its tables are cut, not its end"
    whole = len(found.scores)
    assert ("more rows are in the artifact model_card.md" in short) is (locales > 2)
    assert found.text().count("| bits_per_byte | lower") == whole // 2 + 1


def test_parameters_are_counted_and_a_missing_data_card_is_named(params, tmp_path):
    layout = Layout(tmp_path, tmp_path / "state")
    layout.model.mkdir(parents=True)
    save_file({"a": np.zeros((3, 5), np.float32), "b": np.zeros(2, np.float32)}, layout.model / "model.safetensors")
    with pytest.raises(UserError, match=r"card\.json: cannot be read"):
        described(layout, params, evidence(), "abc", "f" * 64)
    layout.card.parent.mkdir()
    layout.card.write_text(card_of(10, 1).model_dump_json())
    assert described(layout, params, evidence(), "abc", "f" * 64).parameters == 17
