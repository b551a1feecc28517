"""Which test examples are used, and the fingerprints that say whether two evaluations can be compared."""

from pathlib import Path

from ecom_llm.evaluate.testset import fingerprint, fitting, prepared_fingerprint, sample, tokenizer_fingerprint
from ecom_llm.records import SPLITS, Item
from ecom_llm.write.encode import encode


def test_the_sample_is_of_each_skill_and_locale(make_example):
    examples = [
        make_example(skill, locale, n, {}, "t")
        for n in range(9)
        for skill in ("describe", "answer")
        for locale in ("en", "zh")
    ]
    chosen = sample(examples, 4, seed=1)
    groups = [(example.skill, example.locale) for example in chosen]
    assert len(chosen) == 16 and all(groups.count(group) == 4 for group in set(groups))
    assert sample(examples, 99, seed=1) == sorted(
        examples, key=lambda example: groups.index((example.skill, example.locale))
    )


def test_the_sample_depends_on_the_seed_and_hardly_on_other_examples(make_example):
    examples = [make_example("describe", "en", n, {}, "t") for n in range(60)]
    chosen = sample(examples, 20, seed=1)
    assert sample(examples, 20, seed=1) == chosen != sample(examples, 20, seed=2)
    assert [e.id for e in chosen] == [e.id for e in examples if e in chosen]
    without_one = [example for example in examples if example != chosen[3]]
    assert len(set(chosen_ids(sample(without_one, 20, seed=1))) & set(chosen_ids(chosen))) == 19


def chosen_ids(examples) -> list[str]:
    return [example.id for example in examples]


def test_the_fingerprint_sees_order_attributes_and_target(make_example):
    one = make_example("describe", "en", 1, {"a": "1", "b": "2"}, "t")
    two = make_example("describe", "en", 2, {"a": "1", "b": "2"}, "t")
    others = [
        [two, one],
        [one],
        [one, two.model_copy(update={"target": "u"})],
        [one, two.model_copy(update={"attributes": {"b": "2", "a": "1"}})],
    ]
    found = {fingerprint(examples) for examples in ([one, two], *others)}
    assert len(found) == 5
    assert fingerprint([one, two.model_copy(update={"source": "elsewhere:7"})]) == fingerprint([one, two])


def test_the_tokenizers_fingerprint_survives_saving_and_padding(tokenizer, model_folder):
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(model_folder)
    loaded(["a", "a b c"], padding=True, truncation=True, max_length=2)
    assert tokenizer_fingerprint(loaded) == tokenizer_fingerprint(tokenizer)
    loaded.chat_template = "{{ messages }}"
    assert tokenizer_fingerprint(loaded) != tokenizer_fingerprint(tokenizer)


def test_what_is_too_long_for_the_model_is_left_out_aloud(make_example, tokenizer, caplog):
    examples = [make_example("describe", "en", n, {}, "word " * n) for n in (1, 200)]
    assert fitting(examples, encode(examples, tokenizer), 100, Path("test")) == examples[:1]
    assert "left out 1" in caplog.text
    assert fitting(examples, encode(examples, tokenizer), None, Path("test")) == examples


def test_whatever_was_prepared_otherwise_is_told(make_example):
    prepared = {split: [make_example("describe", "en", n, {"size": "s"}, "t") for n in range(3)] for split in SPLITS}
    items = [Item(product="1", locale="en", title="a hat")]
    found = prepared_fingerprint(prepared, items)
    assert prepared_fingerprint(dict(prepared), list(items)) == found
    for split in SPLITS:
        grown = {**prepared, split: [*prepared[split], make_example("describe", "en", 9, {"size": "m"}, "t")]}
        assert prepared_fingerprint(grown, items) != found
    assert prepared_fingerprint(prepared, [*items, Item(product="2", locale="en", title="a cap")]) != found
