"""The card counts what there is, in one pass, whatever the order, in memory that does not grow."""

import random
import statistics
import tracemalloc
from collections import Counter
from itertools import repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecom_llm.prepare.card.card import Card, parse_card, read_card
from ecom_llm.prepare.card.frequencies import FrequencyTally
from ecom_llm.prepare.card.lengths import BINS, LengthTally, bins, bucket, next_bin
from ecom_llm.prepare.card.tally import SAMPLES, CardTally, licence_of, make_card, words_of
from ecom_llm.prepare.manifest import Manifest
from ecom_llm.records import UserError
from tests.unit.prepare.card.conftest import card_of, examples, manifest


def test_counts_are_those_of_the_examples():
    rows = list(examples(150, 1))
    card = make_card(iter(rows), manifest(email=3), {"shop": "own data"}, {"en": {"en": 149, "de": 1}})
    assert card.examples == 300
    assert card.splits == dict(Counter(row.split for row in rows))
    [english] = [part for part in card.slices if part.locale == "en"]
    own = [row for row in rows if row.locale == "en"]
    assert english.characters.total == sum(len(row.target) for row in own)
    assert english.words.quantiles["median"] == statistics.median_low(len(row.target.split()) for row in own)
    assert english.categories.top == dict(Counter(row.attributes["category"] for row in own).most_common())
    assert english.attributes["colour"].filled == sum(bool(row.attributes["colour"]) for row in own)
    stated = sum(row.attributes["colour"] == "navy" and "navy" in row.target for row in own)
    assert english.attributes["colour"].stated == stated
    assert card.vocabulary["en"].top == dict(
        sorted(
            Counter(word for row in own for word in row.target.split()).items(), key=lambda pair: (-pair[1], pair[0])
        )
    )
    assert card.sources["shop/products.csv"].examples == 300
    assert card.sources["shop/products.csv"].licence == "own data"
    assert card.personal_data == {"email": 3}
    table = card.tables["products"]
    assert table.rows_in == table.kept + table.duplicates + table.rejected


def test_a_card_reads_from_the_manifest_what_it_has():
    assert vars(manifest()).keys() <= Manifest.model_fields.keys()
    account = vars(manifest().tables["products"]).keys()
    assert account <= Manifest.model_fields["rows"].annotation.model_fields.keys()


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 5))
def test_neither_order_nor_parts_change_a_byte(draw: random.Random, parts: int):
    rows = list(examples(30, 2))
    whole = make_card(rows, manifest(), {}, {}).model_dump_json()
    draw.shuffle(rows)
    tallies = [CardTally() for _ in range(parts)]
    for row in rows:
        draw.choice(tallies).add(row)
    first, *others = tallies
    for other in others:
        first.merge(other)
    assert first.close(manifest(), {}, {}).model_dump_json() == whole


def test_samples_are_few_and_do_not_depend_on_what_came_first():
    rows = list(examples(200, 3))
    card, reverse = (make_card(order, manifest(), {}, {}) for order in (rows, rows[::-1]))
    assert [len(part.samples) for part in card.slices] == [SAMPLES, SAMPLES]
    assert card.slices == reverse.slices
    assert [sample.id for sample in card.slices[0].samples] != [row.id for row in rows if row.locale == "en"][:SAMPLES]


def test_memory_does_not_grow_with_the_examples():
    rows = list(examples(300, 4))

    def peak(times: int) -> int:
        tracemalloc.start()
        # the same texts under ever new ids: a larger corpus of the same shop
        make_card(
            (row.model_copy(update={"id": f"{row.id}:{turn}"}) for turn in range(times) for row in rows),
            manifest(),
            {},
            {},
        )
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(8) < 2 * peak(1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't buy 1.5 l, really.Good", ["don't", "buy", "1.5", "l", "really", "good"]),
        ("red,blue T-shirt", ["red", "blue", "t-shirt"]),
        ("这款USB-C线", ["这", "款", "usb-c", "线"]),
        ("¿Qué tal? _x_", ["qué", "tal", "x"]),
        ("", []),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=200))
def test_quantiles_are_lengths_that_occur_or_within_their_precision(lengths):
    tally = LengthTally()
    for length in lengths:
        tally.add(length)
    found = tally.close()
    ranked = sorted(lengths)
    for name, place in (("min", 0), ("median", (len(ranked) - 1) // 2), ("max", -1)):
        assert ranked[place] * 0.998 - 1 <= found.quantiles[name] <= ranked[place]
        assert found.quantiles[name] == ranked[place] or ranked[place] >= 1024
    assert sum(found.histogram.values()) == len(lengths)
    assert set(found.histogram) <= set(bins([found.histogram]))


@given(st.integers(0, 10**9))
def test_bins_meet_without_gap_or_overlap(length):
    lower = bucket(length, BINS)
    assert lower <= length < next_bin(lower)
    assert bucket(next_bin(lower), BINS) == next_bin(lower)
    assert bucket(next_bin(lower) - 1, BINS) == lower


def test_more_values_than_fit_keep_the_frequent_ones_and_estimate_the_rest():
    tally = FrequencyTally(limit=1000)
    for number in range(60_000):
        tally.add([f"rare {number}", f"frequent {number % 5}"])
    closed = tally.close(5)
    assert not closed.exact
    assert len(tally.counts) <= 1000
    assert closed.top == {f"frequent {number}": 12_000 for number in range(5)}
    assert closed.total == 120_000
    assert abs(closed.distinct - 60_005) < 0.03 * 60_005


def test_what_fits_is_exact():
    tally = FrequencyTally(limit=1000)
    for word, count in (("b", 3), ("a", 3), ("c", 9)):
        tally.add(list(repeat(word, count)))
    closed = tally.close(2)
    assert list(closed.top.items()) == [("c", 9), ("a", 3)]
    assert (closed.distinct, closed.exact, closed.complete) == (3, True, False)


def test_licences_are_those_of_the_nearest_folder():
    licences = {"feeds": "bought", "feeds/own.csv": "ours", ".": "unknown"}
    found = {name: licence_of(name, licences) for name in ("feeds/own.csv", "feeds/other.csv", "catalogue")}
    assert found == {"feeds/own.csv": "ours", "feeds/other.csv": "bought", "catalogue": "unknown"}
    assert licence_of("catalogue", {}) == ""


def test_a_card_survives_its_file(tmp_path):
    card = card_of(40, 5, phone=2)
    (tmp_path / "card.json").write_text(card.model_dump_json(indent=2))
    assert read_card(tmp_path / "card.json") == card
    with pytest.raises(UserError, match=r"none.json: cannot be read .* dvc repro prepare"):
        read_card(tmp_path / "none.json")
    with pytest.raises(UserError, match=r"old card: is no data card .*form"):
        parse_card('{"form": 0}', "old card")


def test_no_examples_are_a_card_too():
    card = make_card([], manifest(), {}, {})
    assert card.examples == 0
    assert Card.model_validate_json(card.model_dump_json()) == card
