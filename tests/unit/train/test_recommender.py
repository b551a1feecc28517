"""The recommender: only items of the locale, the same bytes again, no purchase explained by itself, and reasons that are true."""

import random
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from ecom_llm.params import validate
from ecom_llm.records import LIST_SEPARATOR, Example, Item, UserError
from ecom_llm.shards import read_records, write_records
from ecom_llm.skills.recommend import person
from ecom_llm.train.recommender import logit
from ecom_llm.train.recommender.features import FEATURES, history_of, top
from ecom_llm.train.recommender.files import FOLDER, load, save
from ecom_llm.train.recommender.learn import learned_from
from ecom_llm.train.recommender.logit import PRIOR, choices, fitted
from ecom_llm.train.recommender.purchases import bought, purchases_of
from ecom_llm.train.recommender.recommender import Recommender
from ecom_llm.train.recommender.rows import rows_of
from ecom_llm.train.recommender.statistics import statistics_of
from ecom_llm.train.recommender.titles import terms, titles_of, words
from ecom_llm.train.stage import run

HISTORY = {"en": "history", "zh": "购买记录"}
COLOURS = {"en": ("red", "navy blue", "green", "black"), "zh": ("红色", "藏青色", "绿色", "黑色")}
KINDS = {"en": ("kettle", "lamp; small", "drill bit", "glass vial"), "zh": ("水壶", "台灯", "钻头", "玻璃瓶")}
TITLES = {
    locale: [
        f"{colour} {kind}" if locale == "en" else f"{colour}{kind}" for kind in KINDS[locale] for colour in colours
    ]
    for locale, colours in COLOURS.items()
}


def purchase(locale: str, shopper: str, position: int, history: list[str], target: str) -> Example:
    return Example(
        id=f"recommend:{locale}:{shopper}:{position}",
        skill="recommend",
        locale=locale,
        attributes={HISTORY[locale]: LIST_SEPARATOR.join(history[-5:])},
        target=target,
        product=target,
        group=f"shopper:{shopper}",
        source=f"test:1#{position}",
    )


def purchases(people: int, seed: int = 0) -> list[Example]:
    """Shoppers who mostly go on to the next item of the list, as a shop's would to what fits."""
    draw, found = random.Random(seed), []
    for number in range(people):
        locale = ("en", "zh")[number % 2]
        at, history = draw.randrange(16), []
        for position in range(draw.randint(2, 7)):
            if position:
                found.append(purchase(locale, f"S{number}", position, history, TITLES[locale][at]))
            history.append(TITLES[locale][at])
            at = (at + 1) % 16 if draw.random() < 0.7 else draw.randrange(16)
    return found


ITEMS = [
    Item(product=f"P{place}", locale=locale, title=title)
    for locale in TITLES
    for place, title in enumerate([*TITLES[locale], f"{COLOURS[locale][0]} 999"])
]
EXAMPLES = purchases(60)
FEW = purchases(12)


def written(folder: Path, examples: list[Example]) -> Recommender:
    write_records(folder / "train", Example, examples)
    write_records(folder / "items", Item, ITEMS)
    found = learned_from(folder / "train", folder / "items", 1)
    assert found
    return found


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    return written(tmp_path_factory.mktemp("shop"), EXAMPLES)


anything = st.one_of(st.sampled_from(TITLES["en"] + TITLES["zh"]), st.text(max_size=12), st.just("lamp"))


@settings(max_examples=150)
@given(
    seen=st.lists(anything, max_size=8),
    locale=st.sampled_from(["en", "zh"]),
    most=st.integers(min_value=1, max_value=30),
)
def test_nothing_but_items_of_the_locale_comes_out(recommender, seen, locale, most):
    found = recommender.recommend([purchase(locale, "asked", 1, seen, "")], most)[0]
    titles = [one.title for one in found]
    assert len(titles) == len(set(titles)) == min(most, 17)
    assert set(titles) <= {item.title for item in ITEMS if item.locale == locale}
    assert all(one.reason and one.told.split("\n")[0] == one.title for one in found)


def test_without_a_history_it_begins_with_what_most_bought(recommender):
    asked = Example.model_validate({**purchase("en", "asked", 1, [], "").model_dump(), "attributes": {"size": "L"}})
    buyers = recommender.shelves["en"].statistics.bought
    best = recommender.recommend([asked], 3)[0]
    assert best[0].title == recommender.shelves["en"].titles[int(buyers.argmax())]
    assert best[0].reason == f"{int(buyers.max())} shoppers bought it"


def test_it_learns_what_follows(recommender):
    """Seven in ten go on to the next item of the list."""
    first = [recommender.recommend([purchase("en", "x", 1, [one], "")], 2)[0] for one in TITLES["en"][:15]]
    following = [title in {one.title for one in best} for title, best in zip(TITLES["en"][1:], first, strict=True)]
    assert sum(following) >= 10


def test_a_locale_without_items_is_named(recommender):
    with pytest.raises(UserError, match="nothing to recommend in locale de: the shop's items are in en, zh"):
        recommender.recommend([purchase("en", "x", 1, [], "").model_copy(update={"locale": "de"})], 1)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_again_it_is_the_same_bytes_whatever_the_threads(recommender, tmp_path):
    save(recommender, tmp_path / "a" / FOLDER)
    torch.set_num_threads(2)
    try:
        save(written(tmp_path, EXAMPLES), tmp_path / "b" / FOLDER)
    finally:
        torch.set_num_threads(1)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert {Path(name).suffix for name in contents(tmp_path / "a")} == {".json", ".safetensors"}


def test_it_comes_back_from_its_folder_as_it_was(recommender, tmp_path):
    save(recommender, tmp_path / FOLDER)
    again = load(tmp_path)
    assert again and again.recommend(EXAMPLES, 10) == recommender.recommend(EXAMPLES, 10)
    assert load(tmp_path / FOLDER) is None


def test_a_damaged_folder_is_refused(recommender, tmp_path):
    save(recommender, tmp_path / FOLDER)
    counts = tmp_path / FOLDER / "purchases.safetensors"
    counts.write_bytes(counts.read_bytes()[:100])
    with pytest.raises(UserError, match=r"recommender: cannot be read.*Train the model again"):
        load(tmp_path)


def test_weights_of_other_features_are_refused(recommender, tmp_path):
    save(recommender, tmp_path / FOLDER)
    told = tmp_path / FOLDER / "recommender.json"
    told.write_text(told.read_text(encoding="utf-8").replace('"last_again"', '"afresh"'), encoding="utf-8")
    with pytest.raises(UserError, match=r"weights of after.*afresh"):
        load(tmp_path)


def test_without_purchases_there_is_none(tmp_path):
    other = purchase("en", "x", 1, [], "red kettle").model_copy(update={"skill": "describe"})
    write_records(tmp_path / "train", Example, [other])
    assert learned_from(tmp_path / "train", tmp_path / "no items needed", 1) is None


def lone() -> list[Example]:
    """Twelve shoppers, each with a pair of items that no other has: only they themselves could tell what they buy next."""
    return [purchase("en", f"S{n}", 1, [f"thing{n}"], f"other{n}") for n in range(12)]


def targets_known(examples: list[Example]) -> list[bool]:
    """Of each purchase that the weights are fitted on, whether anything was bought before what was bought next."""
    titles = sorted({title for one in examples for title in (one.target, *one.attributes.values())})
    found = choices(purchases_of(examples, titles), titles_of(titles), 1)
    return [bool(features[place, list(FEATURES).index("is_after")]) for features, place in found]


def test_a_purchase_does_not_explain_itself():
    assert targets_known(lone()) == [False] * 12
    together = [*lone(), *(one.model_copy(update={"group": f"shopper:T{n}"}) for n, one in enumerate(lone()))]
    assert sum(targets_known(together)) > 12, "what another shopper did tells of it"


def test_without_folds_it_would(monkeypatch):
    """That the test above can fail: statistics of everybody know every purchase."""
    everybody = purchases_of(lone(), sorted({t for one in lone() for t in (one.target, *one.attributes.values())}))
    monkeypatch.setattr(logit, "statistics_of", lambda _, size: statistics_of(everybody, size))
    assert targets_known(lone()) == [True] * 12


def test_windows_of_one_user_are_one_person():
    """A published window repeats the purchases of the same user's others: they must not explain each other."""
    assert person("shopper:A1B2:valid:17") == person("shopper:A1B2:train:3") == "shopper:A1B2"
    assert person("shopper:shop:17") == "shopper:shop:17"
    assert person("B00:test:3") == "B00:test:3", "a product's id is its own"
    windows = [
        one.model_copy(update={"group": f"shopper:U{n}:valid:{row}"}) for row in (1, 2) for n, one in enumerate(lone())
    ]
    assert not any(targets_known(windows))
    counted = statistics_of(purchases_of(windows, ["thing0", "other0"]), 2)
    assert counted.people.at(0, 1) == 1 and list(counted.bought) == [1, 1]


PURCHASED = re.compile(r"^(?P<count>\d+|a) shoppers? bought it(?: (?P<order>after|before) “(?P<title>.+)”)?$")
LIKE = re.compile(r"^like “(?P<title>.+)”: (?P<shared>.+)$")


def naive(examples: list[Example]) -> tuple[dict[tuple[str, str], set[str]], dict[str, set[str]]]:
    """(earlier, later) -> people; item -> people: by the definition, over plain lists."""
    pairs, single = defaultdict(set), defaultdict(set)
    for one in examples:
        if one.locale == "en":
            seen = bought(one, dict.fromkeys(TITLES["en"], 0))
            for title in seen:
                pairs[title, one.target].add(one.group)
            for title in [*seen, one.target]:
                single[title].add(one.group)
    return pairs, single


@pytest.mark.parametrize(("examples", "common"), [(EXAMPLES, "after"), (FEW, "before")])
def test_every_reason_is_true(examples, common, tmp_path):
    shop, (pairs, single), kinds = written(tmp_path, examples), naive(examples), defaultdict(int)
    for example in [one for one in examples if one.locale == "en"]:
        seen = bought(example, shop.shelves["en"].number)
        for one in shop.recommend([example], 17)[0]:
            if told := PURCHASED.match(one.reason):
                count, order, title = (told[name] for name in ("count", "order", "title"))
                assert order is None or title in seen
                key = {"after": (title, one.title), "before": (one.title, title)}.get(order)
                people = pairs[key] if key else single[one.title]
                assert len(people) == (1 if count == "a" else int(count)), one.reason
                kinds[order or "popularity"] += 1
            elif told := LIKE.match(one.reason):
                assert told["title"] in seen
                assert set(told["shared"].split(", ")) <= set(words(told["title"])) & set(words(one.title))
                kinds["like"] += 1
            elif one.reason == "bought before by the same shopper":
                assert one.title in seen
                kinds["again"] += 1
            else:
                assert one.reason == "new: no shopper is known to have bought it" and not single[one.title]
                kinds["new"] += 1
    assert {common, "popularity", "like", "again", "new"} <= set(kinds), kinds


def test_chinese_reasons_are_chinese(recommender):
    found = recommender.recommend([purchase("zh", "x", 1, [TITLES["zh"][0]], "")], 17)[0]
    assert not re.search("[a-z]", "".join(one.reason for one in found))
    assert found[0].told.split("\n")[1].startswith("理由：")
    alike = [one for one in found if "相似：" in one.reason]
    assert alike and all(told in one.title for one in alike for told in one.reason.split("：")[1].split("、"))
    assert any(one.reason.endswith("水壶") for one in alike), "a word in one piece, not pairs of characters"


def test_a_title_nobody_sells_is_known_by_its_words(recommender):
    shelf = replace(recommender.shelves["en"], weights={**dict.fromkeys(FEATURES, 0.0), **PRIOR})
    best = shelf.recommend(purchase("en", "x", 1, ["large copper kettle"], ""), 4)
    assert all("kettle" in one.title for one in best)
    assert "like “large copper kettle”: kettle" in {one.reason for one in best}


def test_a_title_with_the_separator_in_it_is_one_title():
    number = {"red lamp; small": 0, "small": 1, "red lamp": 2}
    assert bought(purchase("en", "x", 1, ["red lamp; small", "small", "unknown"], ""), number) == [
        "red lamp; small",
        "small",
        "unknown",
    ]


@given(
    entries=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 4), st.floats(0.125, 4, width=16, allow_nan=False)), max_size=30
    ),
    asked=st.lists(st.integers(0, 6), max_size=4),
)
def test_rows_are_scipys(entries, asked):
    row, column, value = (np.array([one[place] for one in entries]) for place in range(3))
    theirs = scipy.sparse.coo_matrix((value, (row.astype(int), column.astype(int))), shape=(7, 5)).tocsr()
    ours = rows_of(row.astype(np.int64), column.astype(np.int64), value.astype(float), 7)
    weights = np.arange(1.0, len(asked) + 1)
    rows = np.array(asked, np.int64)
    expected = weights @ theirs[rows].toarray() if asked else np.zeros(5)
    assert np.allclose(ours.total(rows, weights, 5), expected)
    assert np.allclose([ours.at(r, c) for r in range(7) for c in range(5)], theirs.toarray().ravel())
    back = ours.transposed(5)
    assert np.allclose([back.at(c, r) for r in range(7) for c in range(5)], theirs.toarray().ravel())


def test_vectors_are_scikit_learns():
    texts = [*TITLES["en"], *TITLES["zh"], "", "red red kettle"]
    ours, theirs = titles_of(texts), TfidfVectorizer(analyzer=terms, sublinear_tf=True)
    vectors = theirs.fit_transform(texts)
    assert ours.vocabulary.keys() == theirs.vocabulary_.keys()
    likeness = [ours.likeness_to(np.array([place]), np.ones(1)) for place in range(len(texts))]
    assert np.allclose(likeness, (vectors @ vectors.T).toarray(), atol=1e-6)
    unknown = "a green kettle nobody sells"
    assert np.allclose(ours.likeness(*ours.vector(unknown)), (theirs.transform([unknown]) @ vectors.T).toarray()[0])


def test_words_of_both_languages():
    assert words("Self-Drilling 20 oz. 红色T恤") == ["self", "drilling", "20", "oz", "红", "色", "红色", "t", "恤"]
    assert terms("glass vial") == ["glass", "vial", "glass vial"]


@given(values=st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), max_size=12), most=st.integers(1, 12))
def test_top_takes_the_greatest_and_of_equal_ones_the_first(values, most):
    order = sorted(range(len(values)), key=lambda place: (-values[place], place))[:most]
    assert top(np.array(values), most).tolist() == sorted(place for place in order if values[place] > 0)


def test_the_fit_finds_the_weights_that_chose():
    """Choices drawn from a softmax with known weights give these back."""
    rng = np.random.default_rng(0)
    truth = np.array([1.5, 0, -1, 0, 2, 0, 0.5, 0, 1, -2, 0, 0.5])
    found = []
    for _ in range(3000):
        features = rng.normal(size=(12, len(FEATURES))).astype(np.float32)
        chance = np.exp(features @ truth)
        found.append((features, int(rng.choice(12, p=chance / chance.sum()))))
    assert np.allclose(list(fitted(found).values()), truth, atol=0.15)


def test_without_choices_the_weights_are_the_priors():
    assert {name: weight for name, weight in fitted([]).items() if weight} == PRIOR


def test_a_history_weighs_the_last_most():
    vectors = titles_of(TITLES["en"])
    found = history_of([3, -1, 5], vectors, ["black kettle", "green vial", "x"])
    assert found.items.tolist() == [3, 5] and found.weights.tolist() == [1, pytest.approx(1 / 3)]
    assert found.last_likeness[3] == pytest.approx(1)
    assert found.likeness[3] > 0.9 > found.likeness[7] > 0


def test_training_leaves_it_in_the_models_folder(prepared, tiny_params):
    """Two trainings write the same bytes, and no file that could run code."""
    examples = [*read_records(prepared.split("train"), Example), *EXAMPLES]
    write_records(prepared.split("train"), Example, examples)
    write_records(prepared.items, Item, ITEMS)
    tree = tiny_params.model_dump()
    tree["train"] |= {"max_steps": 2, "eval_steps": 5}
    params = validate(tree, "test")
    found = []
    for _ in range(2):
        run(params, prepared)
        found.append(contents(prepared.model))
    assert found[0] == found[1]
    assert {f"{FOLDER}/recommender.json", f"{FOLDER}/purchases.safetensors", "model.safetensors"} <= found[0].keys()
    assert {Path(name).suffix for name in found[0]} <= {".json", ".safetensors", ".jinja"}
    again = load(prepared.model)
    assert again and again.shelves.keys() == {"en", "zh"}


def test_training_without_purchases_leaves_none(prepared, tiny_params):
    tree = tiny_params.model_dump()
    tree["train"] |= {"max_steps": 2, "eval_steps": 5}
    run(validate(tree, "test"), prepared)
    assert load(prepared.model) is None and not (prepared.model / FOLDER).exists()
