"""Near-duplicates: shingles against a second definition, the S-curve, what is kept, what leaks, and no quadratic blow-up."""

import random
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import daft
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecom_llm.prepare.near import keep
from ecom_llm.prepare.near.buckets import Groups, groups_in_shared_buckets, merged, write_band_hashes
from ecom_llm.prepare.near.keep import near_copies
from ecom_llm.prepare.near.leaks import Leak, leaks
from ecom_llm.prepare.near.nearness import Banding, Nearness, banding_of, share_bucket
from ecom_llm.prepare.near.portions import Contenders, Portions
from ecom_llm.prepare.near.search import Comparison
from ecom_llm.prepare.near.shingles import Sets, shingled, worded
from ecom_llm.records import UserError
from proofs import near_duplicates as proof

NEAR = Nearness(threshold=0.8, ngram_size=3, min_words=4, num_hashes=112, recall=0.99, seed=1)
LOOSE = replace(NEAR, threshold=0.5, ngram_size=2, min_words=2, num_hashes=8, recall=0.01)
SENTENCE = [f"word{place}" for place in range(20)]
CHARACTERS = st.text(alphabet="ab Zß9é,.!-_'ЁжΣ这件连衣裙のカフกาไ\n 5５👗", max_size=30)
FEW_WORDS = st.lists(st.sampled_from("ab 裙"), max_size=9).map(" ".join)


def frame_of(texts, ranks=None, published=None):
    """The texts under keys 10, 11, ..., the rows in reverse order."""
    rows = range(len(texts))[::-1]
    return daft.from_arrow(
        pa.table(
            {
                "key": pa.array([10 + row for row in rows], pa.int64()),
                "text": pa.array([texts[row] for row in rows], pa.string()),
                "rank": pa.array([ranks[row] if ranks else 0 for row in rows], pa.int64()),
                "published": pa.array([published[row] if published else False for row in rows], pa.bool_()),
            }
        )
    )


def copies_in(frame, nearness):
    with TemporaryDirectory() as folder:
        return near_copies(frame, nearness, Path(folder) / "near")


def kept(frame, nearness):
    """(Keys of the kept texts, ascending; key of each text that goes -> key of the kept text near it)."""
    gone = {row["key"]: row["kept"] for row in copies_in(frame, nearness).to_pylist()}
    return sorted(set(frame.to_pydict()["key"]) - gone.keys()), gone


def sets_of(texts, nearness):
    """Key -> the set of the fingerprints of its shingles, of the texts that are not left alone."""
    batches = shingled(frame_of(texts), nearness.ngram_size, nearness.min_words)
    return {int(key): set(sets.row(row).tolist()) for keys, sets in batches for row, key in enumerate(keys)}


def changed(words, *places):
    """The words as a text, with those at `places` replaced by words of their own."""
    return " ".join(f"other{place}" if place in places else word for place, word in enumerate(words))


def jaccard(one, two):
    return len(one & two) / len(one | two)


@settings(max_examples=60, deadline=None)
@given(st.lists(CHARACTERS | FEW_WORDS, min_size=1, max_size=12), st.integers(1, 4), st.integers(1, 4))
def test_shingles_are_those_of_the_definition(texts, ngram_size, min_words):
    nearness = replace(NEAR, ngram_size=ngram_size, min_words=min_words)
    found = sets_of(texts, nearness)
    expected = {10 + place: proof.shingles_of(text, nearness) for place, text in enumerate(texts)}
    expected = {key: shingles for key, shingles in expected.items() if shingles}
    assert found.keys() == expected.keys()
    for one in found:
        assert len(found[one]) == len(expected[one])
        for two in found:
            assert jaccard(found[one], found[two]) == jaccard(expected[one], expected[two])


def test_words_are_case_folded_and_a_han_character_is_a_word():
    texts = ["  Linen-Dress, 100% cool!\n", "夏装Dress很好看。", "裙", "...", "", None]
    words = worded(frame_of(texts), 1).sort("key").select("words").to_pydict()["words"]
    assert words == [["linen", "dress", "100", "cool"], ["夏", "装", "dress", "很", "好", "看"], ["裙"]]


def test_a_text_shorter_than_a_shingle_is_one_shingle():
    sets = sets_of(["soft linen", "Soft LINEN.", "soft linen dress", "linen"], replace(NEAR, min_words=1))
    assert [len(sets[key]) for key in (10, 11, 12, 13)] == [1, 1, 1, 1]
    assert sets[10] == sets[11]
    assert not sets[10] & sets[12] and not sets[10] & sets[13]


def test_fingerprints_hold_across_batches(monkeypatch):
    texts = [changed(SENTENCE, place % 19) for place in range(40)]
    whole = sets_of(texts, NEAR)
    monkeypatch.setattr("ecom_llm.prepare.near.shingles.BATCH", 7)
    assert sets_of(texts, NEAR) == whole


def test_the_banding_is_the_steepest_that_reaches_the_recall():
    assert banding_of(NEAR) == Banding(18, 6)
    assert share_bucket(0.8, Banding(18, 6)) == pytest.approx(1 - (1 - 0.262144) ** 18)
    assert share_bucket(0.8, Banding(16, 7)) < 0.99 < share_bucket(0.8, Banding(18, 6))
    assert banding_of(replace(NEAR, recall=0.9999)).rows < 6
    assert banding_of(replace(NEAR, threshold=1.0)) == Banding(1, 112)


def test_a_recall_out_of_reach_is_refused():
    with pytest.raises(UserError, match=r"2 MinHash values cannot find pairs at Jaccard 0\.8 with probability 0\.99"):
        banding_of(replace(NEAR, num_hashes=2))


def test_band_hashes_are_stable_and_only_they_are_written(tmp_path):
    """The golden value keeps a new Daft from moving what is a near-copy without a word."""
    write_band_hashes(frame_of([" ".join(SENTENCE)]).select("key", "text"), NEAR, tmp_path)
    row = daft.read_parquet(f"{tmp_path}/*.parquet").to_pydict()
    assert list(row) == ["key", *(f"band{band}" for band in range(18))]
    assert [row["band0"], row["band1"]] == [[8419346323850737033], [2652435600374901890]]


def test_texts_share_a_bucket_as_often_as_the_curve_says(tmp_path):
    """Pairs at Jaccard 1/2: 18 bands of 6 catch a quarter of them."""
    rng = random.Random(0)
    texts = []
    for pair in range(600):
        words = [f"{rng.random()}"[2:] for _ in range(62)]
        texts += [" ".join(words), " ".join(words[:42] + [f"p{pair}w{place}" for place in range(20)])]
    groups = groups_in_shared_buckets(frame_of(texts).select("key", "text"), NEAR, tmp_path)
    assert groups.keys.tolist() == sorted(set(groups.keys.tolist()))
    assert groups.firsts.tolist() == [10 + (key - 10) // 2 * 2 for key in groups.keys.tolist()]
    assert len(groups.keys) / len(texts) == pytest.approx(share_bucket(0.5, Banding(18, 6)), abs=0.06)


def test_the_best_ranked_of_near_copies_is_kept_and_those_that_go_name_it():
    texts = [changed(SENTENCE), changed(SENTENCE, 0), changed(SENTENCE, 19), "something else entirely, and not long"]
    copies = copies_in(frame_of(texts, ranks=[2, 1, 2, 2]), NEAR).to_pylist()
    assert [(row["key"], row["kept"]) for row in copies] == [(10, 11), (12, 11)]
    assert copies[0]["jaccard"] == pytest.approx(17 / 19)
    assert copies[1]["jaccard"] == 16 / 20


def test_kept_lists_keys_and_their_copies():
    keys, gone = kept(frame_of([changed(SENTENCE), "Yes.", changed(SENTENCE), "Yes."]), NEAR)
    assert keys == [10, 11, 13]
    assert gone == {12: 10}


def test_equal_ranks_are_ordered_by_key_and_published_texts_stay():
    texts = [changed(SENTENCE)] * 4
    assert kept(frame_of(texts), NEAR)[1] == {11: 10, 12: 10, 13: 10}
    published = [False, False, True, True]
    assert kept(frame_of(texts, ranks=[0, 1, 2, 2], published=published), NEAR)[1] == {10: 12, 11: 12}


def test_in_a_chain_only_what_is_near_a_kept_text_goes():
    """A near B, B near C, A not near C: C stays when B went for A, and goes when B itself is kept."""
    words = [f"word{place}" for place in range(40)]
    chain = [changed(words), changed(words, 20), changed(words, 20, 30)]
    similar = proof.brute_force_pairs(chain, NEAR)
    assert set(similar) == {(0, 1), (1, 2)}
    assert kept(frame_of(chain, ranks=[0, 1, 2]), NEAR)[1] == {11: 10}
    assert kept(frame_of(chain, ranks=[1, 0, 2]), NEAR)[1] == {10: 11, 12: 11}


def test_stock_phrases_are_left_alone():
    texts = ["Yes, it does."] * 3 + ["Yes, it really does."] * 2
    assert kept(frame_of(texts), NEAR)[1] == {14: 13}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(["red", "blue", "裙", "silk"]), max_size=10), st.integers(0, 2), st.booleans()
        ),
        max_size=14,
    )
)
def test_what_is_promised_holds_for_any_texts(rows):
    """Against brute force, with a MinHash that finds next to nothing: what judges is exact all the same."""
    texts, ranks, published = (
        [" ".join(words) for words, _, _ in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
    )
    copies = copies_in(frame_of(texts, ranks, published), LOOSE).to_pylist()
    gone = {row["key"] - 10: row["kept"] - 10 for row in copies}
    near = proof.brute_force_pairs(texts, LOOSE)
    for row in copies:
        pair = sorted((row["key"] - 10, row["kept"] - 10))
        assert row["jaccard"] == pytest.approx(near[tuple(pair)])
    for key, keeper in gone.items():
        assert keeper not in gone and not published[key]
        assert (not published[keeper], ranks[keeper], keeper) < (True, ranks[key], key)
    for one, two in near:
        both_stay = one not in gone and two not in gone
        judged = min(ranks[one], ranks[two]) < max(ranks)
        assert not (both_stay and judged) or (published[one] and published[two])


def test_the_answer_does_not_rest_on_order_or_partitions(tmp_path):
    texts = proof.planted_texts(300, random.Random(5))
    ranks = random.Random(6).choices([0, 1, 2], k=300)
    frame = frame_of(texts, ranks)
    first = copies_in(frame, NEAR)
    assert len(first) > 50
    rows = frame.sort("text").to_arrow()
    for part in range(5):
        pq.write_table(rows.take(list(range(part, 300, 5))), tmp_path / f"{part}.parquet", row_group_size=17)
    assert copies_in(daft.read_parquet(f"{tmp_path}/*.parquet"), NEAR).equals(first)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6), max_size=4))
def test_links_are_merged_into_groups_whenever_they_come(rounds):
    """Against sets that are united one link at a time."""
    groups = Groups(np.empty(0, np.int64), np.empty(0, np.int64))
    expected = []
    for links in rounds:
        groups = merged(groups, [np.array(links, np.int64).reshape(-1, 2).T])
        for link in links:
            touched = [group for group in expected if group & set(link)]
            expected = [group for group in expected if not group & set(link)] + [set(link).union(*touched)]
    assert groups.keys.tolist() == sorted(key for group in expected for key in group)
    firsts = {key: min(group) for group in expected for key in group}
    assert groups.firsts_of(np.arange(31)).tolist() == [firsts.get(key, key) for key in range(31)]
    assert groups.hold(np.arange(31)).tolist() == [key in firsts for key in range(31)]


@pytest.mark.parametrize("texts_at_a_time", [1, 7, 50])
def test_copies_of_the_same_group_are_found_however_small_the_portions(monkeypatch, texts_at_a_time):
    """No group is cut; what may be lost are pairs of train texts that share no bucket, which are never promised."""
    texts = proof.planted_texts(400, random.Random(8))
    ranks = random.Random(9).choices([0, 1, 2], weights=[1, 1, 8], k=400)
    published = [random.Random(key).random() < 0.1 for key in range(400)]
    whole = copies_in(frame_of(texts, ranks, published), NEAR)
    monkeypatch.setattr("ecom_llm.prepare.near.portions.TEXTS", texts_at_a_time)
    monkeypatch.setattr("ecom_llm.prepare.near.buckets.LINKS", 10)
    held = []
    honest = keep.greedy
    monkeypatch.setattr(keep, "greedy", lambda texts, *rest: held.append(len(texts.keys)) or honest(texts, *rest))
    portioned = copies_in(frame_of(texts, ranks, published), NEAR)
    assert len(held) > 3
    assert set(portioned.column("key").to_pylist()) <= set(whole.column("key").to_pylist())
    assert len(portioned) >= 0.98 * len(whole) > 100


def test_a_portion_holds_no_more_texts_than_twice_the_limit_or_one_group(tmp_path, monkeypatch):
    monkeypatch.setattr("ecom_llm.prepare.near.portions.TEXTS", 10)
    groups = Groups(np.arange(100, 160), np.repeat([100, 130, 140, 145], [30, 10, 5, 15]))
    portions = Portions(tmp_path / "portions", groups)
    keys = np.random.default_rng(1).permutation(200)
    for start in range(0, 200, 30):
        some = keys[start : start + 30]
        portions.add(Contenders(some, Sets(np.arange(len(some) + 1), some.astype(np.uint64))))
    read = list(portions)
    assert sorted(np.concatenate([portion.keys for portion in read]).tolist()) == list(range(200))
    for portion in read:
        assert portion.shingles.ids.tolist() == portion.keys.tolist()
        assert len(portion.keys) <= 20 or 100 in portion.keys
    for first in (100, 130, 140, 145):
        members = groups.keys[groups.firsts == first]
        assert sorted(np.isin(members, portion.keys).sum() for portion in read)[-1] == len(members)


def test_no_texts_and_nothing_near():
    assert copies_in(frame_of([]), NEAR).num_rows == 0
    assert copies_in(frame_of(["Yes.", ""]), NEAR).schema == keep.COPIES
    assert leaks(frame_of([]), frame_of(["a text of some words"]), NEAR) == []


@pytest.mark.parametrize("ranks", [[0] * 600, [0] * 300 + [1] * 300])
@pytest.mark.parametrize("kind", ["copies", "boilerplate", "few words"])
def test_large_buckets_cost_no_comparison_of_all_with_all(monkeypatch, kind, ranks):
    """Comparisons grow with the texts, not with their square: 600 texts have 179,700 pairs."""
    rng = random.Random(3)
    boilerplate = [f"term{place}" for place in range(60)]
    if kind == "copies":
        texts = [changed(SENTENCE * 3, place % 57) for place in range(600)]
    elif kind == "boilerplate":
        texts = [" ".join(boilerplate + [f"{rng.randrange(10**9)}" for _ in range(14)]) for _ in range(600)]
    else:
        texts = [" ".join(rng.choices(SENTENCE[:8], k=40)) for _ in range(600)]
    compared = []
    honest = Comparison.jaccard

    def counting(self, row, others):
        compared.append(len(others))
        return honest(self, row, others)

    monkeypatch.setattr(Comparison, "jaccard", counting)
    copies_in(frame_of(texts, ranks), NEAR)
    assert sum(compared) < 3_000


@settings(max_examples=40, deadline=None)
@given(st.lists(FEW_WORDS, max_size=8), st.lists(FEW_WORDS, max_size=8))
def test_leaks_are_those_of_brute_force(test, train):
    near = proof.brute_force_pairs(test + train, LOOSE)
    places = range(len(test))
    expected = [
        Leak(10 + one, 10 + two - len(test), value)
        for (one, two), value in near.items()
        if one in places and two not in places
    ]
    assert leaks(frame_of(test), frame_of(train), LOOSE) == sorted(expected)


def test_the_proof_holds_on_few_texts(capsys):
    assert proof.main(500, 2) == 0
    assert "failed=0" in capsys.readouterr().out


def test_the_proof_fails_when_copies_are_missed(monkeypatch, capsys):
    monkeypatch.setattr(proof, "near_copies", lambda frame, nearness, scratch: keep.COPIES.empty_table())
    assert proof.main(200, 2) == 1
    assert "FAULT" in capsys.readouterr().out
