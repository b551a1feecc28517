"""wash: no personal data reaches what is prepared, maps keep every name or say so, and buckets change nothing."""

import pytest

from ecom_llm.collect.rejected import Rejected
from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.prepare import buckets
from ecom_llm.prepare.stage import run
from ecom_llm.records import SPLITS, TABLES, Example, Tables, UserError
from ecom_llm.shards import read_records
from tests.unit.prepare.conftest import REPO, write_collected

PLANTED = ["anna.smith@example.org", "13812345678", "11010519491231002X", "4111 1111 1111 1111", "192.168.17.4"]


def edited(rows, **values):
    return [rows[0].model_copy(update=values), *rows[1:]]


@pytest.fixture
def leaky(shop):
    """The shop, with personal data in every kind of text, in an attribute and in a list."""
    said = " ".join(PLANTED)
    return shop.model_copy(
        update={
            "products": edited(shop.products, description=f"Ask {said}.", attributes={"kind": "dress", "seller": said}),
            "reviews": edited(shop.reviews, text=f"Write to {said}, please.", strengths=(said,)),
            "questions": edited(shop.questions, question=f"Is {said} yours?", answer=f"Yes, {said} is ours."),
            "adverts": edited(shop.adverts, text=f"Call {said} now!", goal=said),
            "interactions": [
                row.model_copy(update={"shopper": PLANTED[0]}) if row.shopper == "S1" else row
                for row in shop.interactions
            ],
        }
    )


def prepared_bytes(folder):
    """Everything a reader of the prepared folder can see, Parquet columns decoded."""
    texts = [row.model_dump_json() for split in SPLITS for row in read_records(folder / split, Example)]
    return "\n".join([*texts, (folder / "rejected.jsonl").read_text(encoding="utf-8")])


def test_no_planted_personal_data_reaches_the_prepared_folder(leaky, tmp_path):
    layout = Layout(tmp_path, tmp_path / "state")
    refused = [
        Rejected(source="r.csv", row=3, table="reviews", reason="stars: bad", content=f'{{"text": "{PLANTED[0]}"}}')
    ]
    write_collected(layout.collected, leaky, refused)
    run(load_params(REPO / "params.yaml"), layout)
    seen = prepared_bytes(layout.prepared)
    assert not [value for value in PLANTED if value in seen]
    assert "[EMAIL]" in seen and "[PHONE]" in seen
    assert all(value not in layout.card.read_text() + layout.card_page.read_text() for value in PLANTED)


@pytest.mark.parametrize("unseen", ["\u00ad", "\u200b", "\u200e", "\u202d", "<wbr>", "<b></b>", "<!-- -->"])
def test_what_is_not_seen_hides_no_personal_data(shop, params, prepared_of, unseen):
    said = f"Call 138{unseen}1234{unseen}5678 or write to anna{unseen}@shop{unseen}.com about this long dress, please."
    prepared = prepared_of(shop.model_copy(update={"reviews": edited(shop.reviews, text=said)}), [], params)
    assert "Call [PHONE] or write to [EMAIL] about this long dress, please." in {
        one.target for one in prepared.examples
    }


@pytest.mark.parametrize("telling", ["bob.jones@example.org", "13912345678", "4111111111111111"])
def test_a_products_id_that_tells_of_a_person_gets_a_pseudonym_in_every_table(shop, params, prepared_of, telling):
    def renamed(rows, field):
        return [row.model_copy(update={field: telling}) if getattr(row, field) == "P2" else row for row in rows]

    tables = {name: renamed(getattr(shop, name), "id" if name == "products" else "product") for name in TABLES}
    before, prepared = prepared_of(shop, [], params), prepared_of(Tables(**tables), [], params)
    seen = "".join(one.model_dump_json() for one in (*prepared.examples, *prepared.items))
    assert telling not in seen and '"product-' in seen
    assert prepared.manifest.tables == before.manifest.tables, "no row lost its product"


def test_finds_are_counted_by_type_and_what_was_a_placeholder_before_is_no_find(leaky, params, prepared_of, shop):
    found = prepared_of(leaky, [], params).manifest.personal_data
    # products: description and attribute; reviews: text and strength; questions: both; adverts: text and goal
    assert found["EMAIL"] == found["ID_NUMBER"] == found["BANK_CARD"] == found["IP"] == 8
    scrubbed = shop.model_copy(update={"reviews": edited(shop.reviews, text="Write to [EMAIL], please.")})
    assert not prepared_of(scrubbed, [], params).manifest.personal_data.get("EMAIL")


def test_a_shopper_known_by_an_address_keeps_the_history_under_a_pseudonym(leaky, shop, params, prepared_of):
    def histories(tables):
        found = prepared_of(tables, [], params).examples
        return sorted((e.target, e.attributes["history"]) for e in found if e.skill == "recommend")

    assert histories(leaky) == histories(shop)


def test_scrubbing_can_be_switched_off(leaky, params, prepared_of):
    kept = prepared_of(leaky, [], params.model_copy(update={"scrub_personal_data": False, "filters": ()}))
    assert any(PLANTED[0] in example.target for example in kept.examples)


def test_many_buckets_give_the_same_examples_as_one(shop, params, prepared_of, monkeypatch):
    whole = prepared_of(shop, [], params)
    monkeypatch.setattr(buckets, "ROWS", 100)
    cut = prepared_of(shop, [], params)
    assert cut.manifest == whole.manifest and cut.items == whole.items
    assert {example.id: example for example in cut.examples} == {example.id: example for example in whole.examples}


def test_texts_are_clean_wherever_they_stand(shop, params, prepared_of):
    dirty = {"kind": "caf\u0065\u0301 <b>noir</b>", "size": "\u200bXL "}
    products = edited(shop.products, attributes=dirty, description="A&amp;B  dress\x07, number\n1.")
    found = prepared_of(shop.model_copy(update={"products": products}), [], params)
    (example,) = [one for one in found.examples if one.id == "describe:en:P1"]
    assert example.target == "A&B dress, number 1."
    assert example.attributes == {"kind": "café noir", "size": "XL"}


def test_names_need_presidio_and_the_message_says_how_to_get_it(shop, params, prepared_of):
    with pytest.raises(UserError, match=r"is not installed.*[Ii]nstall"):
        prepared_of(shop, [], params.model_copy(update={"scrub_names": True}))
