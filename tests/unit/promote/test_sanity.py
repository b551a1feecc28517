"""The sanity rules on texts: each at its bound, relative to the references, and silent about personal data."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ecom_llm.evaluate.evidence import Evidence, Output
from ecom_llm.evaluate.ngrams import bleu_scorer, corpus_statistics
from ecom_llm.params import Sanity, load_params
from ecom_llm.promote.gate import Entrant
from ecom_llm.promote.sanity import unjudged
from ecom_llm.promote.sanity.checks import findings, written_slices
from ecom_llm.promote.sanity.faults import cut_off, faults, personal_data, unreadable
from ecom_llm.promote.sanity.finding import Finding, Texts
from ecom_llm.promote.sanity.following import missing_check, statistics_check, values_check
from ecom_llm.promote.sanity.likeness import (
    copied,
    equal,
    familiar,
    known_shares,
    length,
    repetition,
    unsupported,
    variety,
)
from ecom_llm.promote.sanity.superlatives import forbidden
from ecom_llm.promote.sanity.values import values_of
from ecom_llm.skills import SKILLS

RULES: Sanity = load_params(Path(__file__).parents[3] / "params.yaml").promote.sanity
WORDS = "soft warm light sturdy plain bright quiet quick broad narrow"
REFERENCES = [
    f"A {one} bag and a {other} coat are good for the city."
    for one, other in zip(WORDS.split(), WORDS.split()[::-1], strict=True)
]
CHINESE = [f"这款{one}色的外套很适合在城市里穿，轻便又保暖。" for one in "红橙黄绿青蓝紫黑白灰"]


def texts(
    written: Sequence[str],
    references: Sequence[str] = REFERENCES,
    skill: str = "describe",
    locale: str = "en",
    attributes: Sequence[dict[str, str]] | None = None,
    groups: Sequence[str] | None = None,
    ratios: Sequence[dict[str, tuple[float, float]]] | None = None,
    metrics: dict[str, float] | None = None,
    of_references: dict[str, float] | None = None,
) -> Texts:
    outputs = [
        Output(
            id=f"{skill}:{locale}:{number}",
            skill=skill,
            locale=locale,
            attributes=attributes[number] if attributes else {"number": str(number)},
            reference=reference,
            text=text,
            baselines={},
            ratios=ratios[number] if ratios else {},
            group=groups[number] if groups else "",
        )
        for number, (text, reference) in enumerate(zip(written, references, strict=True))
    ]
    evidence = Evidence(
        test_set="t",
        tokenizer="k",
        examples=len(outputs),
        metrics={skill: {locale: metrics or {}}},
        baselines={"reference": {skill: {locale: of_references or {}}}},
    )
    return Texts(skill, locale, outputs, evidence)


def only(found: Sequence[Finding], measure: str) -> Finding:
    (one,) = [one for one in found if one.measure == measure]
    return one


def test_references_as_texts_pass_every_rule() -> None:
    for references, locale in ((REFERENCES, "en"), (CHINESE, "zh")):
        found = list(findings(texts(references, references, locale=locale), RULES))
        assert {one.measure for one in found} == {
            *("personal_data", "empty", "cut_off", "language", "scripts", "broken", "length", "repetition", "equal"),
            *("distinct", "familiar"),
        }
        assert all(one.passed for one in found), [one for one in found if not one.passed]


@pytest.mark.parametrize(("share", "passed"), [(0.5, True), (0.45, False), (2.0, True), (2.1, False)])
def test_length_is_held_to_the_nearer_bound(share: float, passed: bool) -> None:
    references = ["word " * 20] * 10
    (found,) = length(texts(["word " * int(20 * share)] * 10, references), RULES)
    assert (found.found, found.passed) == (pytest.approx(share), passed)
    assert found.at_most is (share > 1)


@pytest.mark.parametrize(
    ("text", "broken_off"),
    [
        ("It is red.", False),
        ("It is red", True),
        ("It is red,", True),
        ("Is it red? (yes)", False),
        ("它是红色的。", False),
        ("它是红色的", True),
        ("它是红色的，", True),
        ("so good 😀", False),
        ("", False),
    ],
)
def test_a_text_breaks_off_without_a_sign_that_ends_it(text: str, broken_off: bool) -> None:
    assert cut_off(text) is broken_off


def test_a_fault_counts_beyond_the_references_own() -> None:
    """Where people write no full stops, a model need not either; where they do, two texts in ten without are too many."""
    bare = [one.rstrip(".") for one in REFERENCES]
    mostly = [*bare[:6], *REFERENCES[6:]]
    assert only(list(faults(texts(bare, mostly), RULES)), "cut_off").passed, "it is their manner"
    assert only(list(faults(texts([bare[0], *REFERENCES[1:]]), RULES)), "cut_off").passed, "one text is no share"
    found = only(list(faults(texts([*REFERENCES[:8], *bare[8:]]), RULES)), "cut_off")
    assert not found.passed and found.example == "describe:en:8"
    assert found.said == "20.0% of its texts break off, of the references 0.0%; at most 10.0% more may"
    half = [*bare[:5], *REFERENCES[5:]]
    found = only(list(faults(texts(bare, half), RULES)), "cut_off")
    assert (found.passed, found.bound, found.example) == (False, 0.6, "describe:en:5"), "its reference does not"


def test_empty_texts_are_named() -> None:
    found = only(list(findings(texts([*REFERENCES[:8], " .", ""]), RULES)), "empty")
    assert not found.passed and found.example == "describe:en:8"


def test_another_language_is_told() -> None:
    german = "Das ist eine Jacke, und sie ist nicht zu warm für die Stadt."
    assert not only(list(faults(texts([german] * 10), RULES)), "language").passed
    assert not only(list(faults(texts(CHINESE), RULES)), "language").passed
    assert not only(list(faults(texts(REFERENCES, CHINESE, locale="zh"), RULES)), "language").passed


@pytest.mark.parametrize("text", ["这款外\ufffd很好。", "A ⟦colour⟧ coat.", "A ⟦colour coat."])
def test_half_characters_and_open_slots_are_unreadable(text: str) -> None:
    assert unreadable(text) and not unreadable("A [colour] coat.")


@pytest.mark.parametrize(
    ("text", "locale", "found"),
    [
        ("全国第一的品质。", "zh", True),
        ("国家级工艺", "zh", True),
        ("史上最轻", "zh", True),
        ("销量NO.1", "zh", True),
        ("第一次穿就喜欢，最近很冷。", "zh", False),
        ("Simply the world's best coat.", "en", True),
        ("No. 1 in the nation", "en", True),
        ("One of our best coats, the first of May.", "en", False),
        ("Der beste Mantel der Welt", "de", False),
    ],
)
def test_forbidden_superlatives(text: str, locale: str, found: bool) -> None:
    assert forbidden(text, locale) is found


BRANDED = [f"这款{one}色的Nike外套很适合在城市里穿，轻便又保暖。" for one in "红橙黄绿青蓝紫黑白灰"]


@pytest.mark.parametrize(
    ("slipped", "references", "locale", "passes"),
    [
        ("A soft bag 非常 and a narrow coat are good for the city.", REFERENCES, "en", False),
        ("A soft bag и a narrow coat are good for the city.", REFERENCES, "en", False),
        ("A soft café bag and a naïve coat are good for the city.", REFERENCES, "en", True),
        ("这款红色的Nike外套很适合在城市里穿，轻便又保暖。", CHINESE, "zh", False),
        ("这款红色的Nike外套很适合在城市里穿，轻便又保暖。", BRANDED, "zh", True),
        ("这款红色的Nike外套 which is really easy to wear 很适合在城市里穿。", BRANDED, "zh", False),
    ],
)
def test_letters_of_a_script_that_the_shop_does_not_mix_in(slipped, references, locale, passes) -> None:
    """Two of ten texts slip; one may, being no share."""
    written = [slipped, slipped, *references[2:]]
    assert only(list(faults(texts(written, references, locale=locale), RULES)), "scripts").passed is passes


def test_values_that_the_prompt_shows_are_in_whatever_script_they_are() -> None:
    brands = [{"brand": "华为"}] * 10
    written = [text.replace("bag", "华为 bag") for text in REFERENCES]
    found = only(list(faults(texts(written, attributes=brands), RULES)), "scripts")
    assert found.passed and found.found == 0
    assert not only(list(faults(texts(written), RULES)), "scripts").passed


def test_one_bilingual_reference_of_many_allows_nothing() -> None:
    references = [*REFERENCES * 20, "A soft bag 非常好用的 and a coat."]
    written = ["A soft bag 非常 and a coat are good for the city."] * 40 + references[40:]
    found = only(list(faults(texts(written, references), RULES)), "scripts")
    assert found.found == pytest.approx(41 / 201) and not found.passed


def test_superlatives_are_looked_for_in_adverts_alone_and_beyond_the_references_own() -> None:
    boasts = [f"{one}全国第一。" for one in CHINESE]
    found = list(faults(texts(boasts, CHINESE, "advertise", "zh"), RULES))
    assert not only(found, "superlatives").passed
    assert only(list(faults(texts(boasts, boasts, "advertise", "zh"), RULES)), "superlatives").passed
    assert all(one.measure != "superlatives" for one in faults(texts(boasts, CHINESE, "describe", "zh"), RULES))


def test_personal_data_is_refused_and_never_repeated() -> None:
    number = "13812345678"
    leaked = [f"{CHINESE[0]}电话{number}。", *CHINESE[1:]]
    found = personal_data(texts(leaked, CHINESE, locale="zh"), RULES)
    assert not found.passed and found.example == "describe:zh:0"
    assert "PHONE" in found.said and number not in found.said
    assert personal_data(texts(leaked, leaked, locale="zh"), RULES).passed, "the reference says it, too"
    asked = [{"电话": number}] * 10
    assert personal_data(texts(leaked, CHINESE, locale="zh", attributes=asked), RULES).passed, "the prompt says it"


def test_repetition_beyond_the_references_own() -> None:
    stuck = [one + " It is good. It is good. It is good. It is good." for one in REFERENCES]
    (found,) = repetition(texts(stuck), RULES)
    assert not found.passed
    assert next(iter(repetition(texts(stuck, stuck), RULES))).passed


def test_one_text_for_other_prompts_counts_and_for_equal_prompts_does_not() -> None:
    same = [REFERENCES[0]] * 6 + list(REFERENCES[6:])
    (found,) = equal(texts(same), RULES)
    assert (found.found, found.passed) == (0.6, False)
    prompts = [{"number": "0"}] * 6 + [{"number": str(n)} for n in range(6, 10)]
    assert next(iter(equal(texts(same, attributes=prompts), RULES))).found == 0
    assert next(iter(equal(texts(same, same), RULES))).passed


@pytest.mark.parametrize(("locale", "name"), [("en", "question"), ("zh", "问题")])
def test_one_earlier_answer_may_serve_the_questions_of_its_product_and_no_other(locale: str, name: str) -> None:
    references = CHINESE if locale == "zh" else REFERENCES
    same = [references[0]] * 6 + list(references[6:])
    asked = [{name: f"{number}?"} for number in range(10)]

    def share(groups: Sequence[str], attributes: Sequence[dict[str, str]] = asked) -> float:
        (found,) = equal(texts(same, references, "answer", locale, attributes, groups), RULES)
        return found.found

    assert share(["kettle"] * 6 + ["lamp"] * 4) == 0
    assert share(["kettle"] * 5 + ["lamp"] * 5) == 0.6
    assert share(["kettle"] * 6 + ["lamp"] * 4, [{"colour": "red", **one} for one in asked]) == 0.6


def test_variety_is_over_the_references() -> None:
    (found,) = variety(texts([REFERENCES[0]] * 10), RULES)
    assert not found.passed and found.found < 0.25


def test_word_salad_is_not_familiar() -> None:
    """The same words in another order: length, language and variety are all as they should be."""
    salad = [" ".join(sorted(one.split(), key=lambda word: word[::-1])) for one in REFERENCES]
    (found,) = familiar(texts(salad), RULES)
    assert not found.passed
    (own,) = familiar(texts(REFERENCES), RULES)
    assert own.found == 1


def test_ones_own_reference_makes_nothing_familiar() -> None:
    """Else a copy of the reference would be more familiar than the reference is."""
    references = ["a soft bag", "a warm coat"]
    assert known_shares(references, references, "en", 2) == [0, 0]
    assert known_shares(["a warm bag", "a soft bag here"], references, "en", 2) == [0.5, pytest.approx(2 / 3)]


def test_copies_count_where_they_are_whole_and_longer_than_a_phrase() -> None:
    long = "word " * 13
    known = [{"longest_overlap": (13.0, 1.0)}] * 2 + [{"longest_overlap": (3.0, 1.0)}] * 8
    written = [long, long + "and more", *["one two three"] * 8]
    made = {"written": written, "ratios": known}
    (found,) = copied(texts(**made), RULES)
    assert (found.found, found.passed, found.example) == (0.1, True, "describe:en:0")
    many = [{"longest_overlap": (13.0, 1.0)}] * 10
    (found,) = copied(texts([long] * 10, ratios=many, of_references={"longest_overlap_whole": 0.5}), RULES)
    assert not found.passed
    assert next(
        iter(copied(texts([long] * 10, ratios=many, of_references={"longest_overlap_whole": 0.9}), RULES))
    ).passed
    assert list(copied(texts(REFERENCES), RULES)) == [], "there is no training to be copied from"


@pytest.mark.parametrize(("value", "passed"), [(0.35, True), (0.36, False)])
def test_unsupported_facts_beyond_the_references_own(value: float, passed: bool) -> None:
    made = texts(REFERENCES, metrics={"unsupported_rate": value}, of_references={"unsupported_rate": 0.2})
    assert next(iter(unsupported(made, RULES))).passed is passed


def entrant(made: Texts, objective: str = "causal") -> Entrant:
    return Entrant("shop", "1", made.evidence.model_copy(update={"objective": objective}), made.outputs)


def test_masked_models_and_recommendations_have_no_texts_to_judge() -> None:
    assert written_slices(entrant(texts([""] * 10), "masked")) == []
    assert written_slices(entrant(texts(REFERENCES, skill="recommend"))) == []


def test_few_texts_are_judged_for_what_is_no_text_alone_and_the_note_says_so() -> None:
    few = texts(["", "13812345678", ""], CHINESE[:3], locale="zh")
    assert [(one.measure, one.passed) for one in findings(few, RULES)] == [
        ("personal_data", False),
        ("empty", False),
        ("broken", True),
    ]
    one_of_few = texts(["", *CHINESE[1:3]], CHINESE[:3], locale="zh")
    assert all(one.passed for one in findings(one_of_few, RULES)), "a single text is no share"
    assert unjudged(entrant(few), RULES) == (
        "Too few texts to judge more than whether they are any (promote.sanity.min_examples: 10): describe/zh. "
        "Raise evaluate.max_examples, or collect more.",
    )
    assert unjudged(entrant(texts(REFERENCES)), RULES) == ()


def test_a_bleu_that_is_not_applicable_follows_from_its_outputs_and_a_0_does_not() -> None:
    """References of fewer than four tokens: the outputs hold BLEU's counts, and no value is missing for that."""
    bare = texts(["yes it is"] * 10, ["yes it is"] * 10, skill="answer")
    rows = corpus_statistics(bleu_scorer("en"), bare.written, bare.references)
    counted = [
        one.model_copy(update={"statistics": {"bleu": row}}) for one, row in zip(bare.outputs, rows, strict=True)
    ]
    reasons = dict.fromkeys((*SKILLS["answer"].metrics, "perplexity", "bits_per_byte"), "not measured here")

    def failed(metrics: dict[str, float], excused: dict[str, str]) -> list[str]:
        update = {"metrics": {"answer": {"en": metrics}}, "not_applicable": {"answer": {"en": excused}}}
        entrant = Entrant("shop", "1", bare.evidence.model_copy(update=update), counted)
        found = values_of(entrant)
        known = {name: value for name, value in found["answer"]["en"].items() if name not in metrics}
        entrant.evidence.metrics["answer"]["en"].update(known)
        checks = (values_check(entrant, found), missing_check(entrant, found), statistics_check(entrant))
        return [check.reason for check in checks if not check.passed]

    assert failed({}, reasons) == []
    (zero,) = failed({"bleu": 0.0}, reasons)
    assert "answer/en bleu is 0 in metrics.json, and the outputs give none" in zero
    (unsaid,) = failed({}, {name: why for name, why in reasons.items() if name != "bleu"})
    assert "answer/en bleu" in unsaid
