"""The recipes of published data sets, over the real files: every row has its fate, and the counts are known."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from ecom_llm.collect.forms import FORMS
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import TABLES

REPO = Path(__file__).parents[4]
DATA = REPO.parent / "shared" / "data"
TABLE_OF = {kind: table for table, kind in TABLES.items()}
UNK = "summary: holds <UNK>, and less than half of it stands in sentences without"

KNOWN = {
    "advertisegen": (
        "advertisegen",
        {"products": 4421, "adverts": 4421},
        {("products", UNK): 579, ("adverts", UNK): 579},
    ),
    "amazon-qa": ("amazon-qa-appliances", {"questions": 9011}, {}),
    "amazon-industrial": ("amazon-industrial", {"products": 3686, "interactions": 52573}, {}),
    "jddc": ("jddc-sample", {"questions": 11400}, {("questions", "answer: empty"): 11}),
    "womens-clothing-reviews": (
        "womens-clothing-reviews",
        {"products": 23486, "reviews": 22641},
        {("reviews", "Review Text: empty"): 845},
    ),
    "flipkart": ("flipkart-sample", {"products": 999}, {("products", "row: empty"): 3995}),
    "groceries": ("groceries", {"products": 38765, "interactions": 38765}, {}),
    "rnnlg-laptop": ("rnnlg-laptop", {"products": 13242}, {}),
}
"""Recipe -> folder of the data, records per table, rejected rows per table and reason."""


def sources(recipe):
    return [
        Source(**entry)
        for entry in yaml.safe_load((REPO / "recipes" / f"{recipe}.yaml").read_text())["collect"]["sources"]
    ]


def collected(place, source):
    records, rejected = Counter(), Counter()
    for found in FORMS[source.form](place, source):
        if isinstance(found, Rejected):
            rejected[found.table, found.reason] += 1
        else:
            records[TABLE_OF[type(found)]] += 1
    return records, rejected


@pytest.mark.parametrize("recipe", KNOWN)
def test_a_recipe_accounts_for_every_row(recipe):
    folder, records, rejected = KNOWN[recipe]
    if not (DATA / folder).is_dir():
        pytest.skip(f"the published data {folder} is not beside this checkout")
    (source,) = sources(recipe)
    assert collected(DATA / folder / source.path, source) == (records, rejected)


def test_the_mixed_recipe_names_the_files_of_the_three():
    if not DATA.is_dir():
        pytest.skip("the published data is not beside this checkout")
    single = {recipe: sources(recipe)[0] for recipe in ("advertisegen", "womens-clothing-reviews", "amazon-qa")}
    for source, alone in zip(sources("mixed"), single.values(), strict=True):
        assert (DATA / source.path).is_file()
        assert (source.form, source.locale, source.columns) == (alone.form, alone.locale, alone.columns)
