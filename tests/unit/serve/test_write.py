"""Writing with a model folder: labels, the same text every time, and what is refused before a model is loaded."""

import json
import shutil
from pathlib import Path

import pytest

from ecom_llm.params import Params, load_params
from ecom_llm.records import Example, Item, UserError
from ecom_llm.serve.answers import with_grounds
from ecom_llm.serve.write import asked, load_writer, write
from ecom_llm.shards import write_records
from ecom_llm.train.answering import files as answering
from ecom_llm.train.answering import learn
from ecom_llm.train.recommender.files import FOLDER, save
from ecom_llm.train.recommender.learn import learned_from
from ecom_llm.write import copies
from ecom_llm.write.decoding import decoding_of

REPO = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def params() -> Params:
    found = load_params(REPO / "params.yaml")
    short = found.evaluate.model_copy(update={"max_new_tokens": 8})
    return found.model_copy(update={"evaluate": short, "runtime": found.runtime.model_copy(update={"device": "cpu"})})


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random Llama: untied and with large weights, so that it writes something, and not one token for ever."""
    from transformers import LlamaConfig, LlamaForCausalLM, set_seed

    from ecom_llm.train.tokenizer import train_tokenizer

    folder = tmp_path_factory.mktemp("model")
    tokenizer = train_tokenizer(["Write a product description.", "red dress 红色连衣裙"], 300)
    set_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), **sizes, initializer_range=1.0, eos_token_id=tokenizer.eos_token_id)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_same_request_gives_the_same_text(model_folder: Path, params: Params) -> None:
    texts = {write(model_folder, "describe", "en", {"colour": "red"}, params) for _ in range(2)}
    assert len(texts) == 1 and texts != {""}


def test_attributes_reach_the_model(model_folder: Path, params: Params) -> None:
    texts = {
        write(model_folder, "describe", "en", {"colour": value}, params) for value in ("red", "dress", "连衣裙", "e")
    }
    assert len(texts) == 4


@pytest.mark.parametrize(("locale", "label"), [("en", "[Simulated review] "), ("zh", "【模拟评论】")])
def test_reviews_are_labelled(model_folder: Path, params: Params, locale: str, label: str) -> None:
    assert write(model_folder, "review", locale, {"stars": "5"}, params).startswith(label)


def test_many_are_written_at_once_in_their_order(model_folder: Path, params: Params) -> None:
    writer = load_writer(model_folder, device="cpu", decoding=decoding_of(params.evaluate))
    examples = [asked("describe", "en", {"colour": value}) for value in ("red", "a much longer value", "zh 红色")]
    texts = writer.write(examples)
    assert len(set(texts)) == 3
    assert texts == [writer.write([example])[0] for example in examples]


def test_it_writes_by_the_decoding_of_params(model_folder: Path, params: Params) -> None:
    def texts(**settings: object) -> set[str]:
        decoded = params.model_copy(update={"evaluate": params.evaluate.model_copy(update=settings)})
        return {write(model_folder, "describe", "en", {"colour": "red"}, decoded) for _ in range(2)}

    greedy, drawn, other = texts(decoding="greedy"), texts(decoding="sampling"), texts(decoding="sampling", seed=2)
    assert len(greedy) == len(drawn) == len(other) == 1
    assert len(greedy | drawn | other) == 3


@pytest.mark.parametrize(
    ("skill", "attributes", "words"),
    [
        ("describe", {}, "nothing to write about"),
        ("sing", {"a": "b"}, "no skill is called 'sing'.*describe"),
        ("recommend", {"histroy": "red kettle"}, r"no history among what was given \(histroy\)"),
        ("answer", {"colour": "red"}, r"no question among what was given \(colour\)"),
        ("review", {"stars": "7"}, "stars is '7'; expected one of 1, 2, 3, 4, 5"),
        ("review", {"colour": "red", "stars": "good"}, "stars is 'good'"),
    ],
)
def test_mistakes_are_refused_before_a_model_is_loaded(
    skill: str, attributes: dict[str, str], words: str, params: Params, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=words):
        write(tmp_path / "no-model-here", skill, "en", attributes, params)


@pytest.mark.parametrize("locale", ["klingon", "", "e", "en-", "English", "中文"])
def test_what_is_no_language_tag_is_refused(locale: str, params: Params, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no language tag"):
        write(tmp_path / "no-model-here", "describe", locale, {"colour": "red"}, params)


def test_folder_without_a_model_is_named(params: Params, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no-model-here: holds no model"):
        write(tmp_path / "no-model-here", "describe", "en", {"a": "b"}, params)


@pytest.mark.parametrize("text", ["{", "[1]", '"red"'])
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_served_attributes_that_are_no_object_are_refused(text: str) -> None:
    from ecom_llm.serve.pyfunc_model import attributes

    with pytest.raises(UserError, match="expected a JSON object of strings"):
        attributes(text)
    assert attributes(json.dumps({"颜色": "红色"})) == {"颜色": "红色"}
    told = {"features": ["USB charging", "wide straps"], "weight": 1.5, "stars": 5}
    for empty in ({"colour": " "}, {"": "red"}, {"colours": ["red", ""]}):
        with pytest.raises(UserError, match="Leave out what is empty"):
            attributes(json.dumps(empty))
    assert attributes(json.dumps(told)) == {"features": "USB charging; wide straps", "weight": "1.5", "stars": "5"}


@pytest.mark.parametrize("value", [None, True, [], [["a"]], {"a": "b"}])
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_served_values_that_nobody_could_read_are_refused(value: object) -> None:
    """They stood in the text as Python writes them: `['USB charging']`, `None`."""
    from ecom_llm.serve.pyfunc_model import attributes

    with pytest.raises(UserError, match=r"colour is .*expected a text, a number, or a list of them"):
        attributes(json.dumps({"colour": value}))


TITLES = {"en": ["red kettle", "blue kettle", "red lamp"], "zh": ["红色水壶", "蓝色水壶", "红色台灯"]}


@pytest.fixture(scope="module")
def shop_folder(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with what was bought: a lamp after the red kettle, by two shoppers, in both languages."""
    root = tmp_path_factory.mktemp("shop")
    words = {"en": "history", "zh": "购买记录"}
    bought = [
        asked("recommend", locale, {words[locale]: titles[0]}).model_copy(
            update={"id": f"{locale}{n}", "group": f"shopper:{n}", "target": titles[2]}
        )
        for locale, titles in TITLES.items()
        for n in range(2)
    ]
    items = [Item(product=title, locale=locale, title=title) for locale, titles in TITLES.items() for title in titles]
    write_records(root / "train", Example, bought)
    write_records(root / "items", Item, items)
    shutil.copytree(model_folder, root / "model")
    save(learned_from(root / "train", root / "items", 1), root / "model" / FOLDER)
    return root / "model"


@pytest.mark.parametrize(
    ("locale", "name", "reason"),
    [
        ("en", "history", "Why: 2 shoppers bought it after “red kettle”"),
        ("zh", "购买记录", "理由：有2位顾客在购买“红色水壶”之后买了它"),
    ],
)
def test_what_is_recommended_exists_and_the_reason_stands_below(
    shop_folder: Path, params: Params, locale: str, name: str, reason: str
) -> None:
    told = write(shop_folder, "recommend", locale, {name: TITLES[locale][0]}, params)
    assert told == f"{TITLES[locale][2]}\n{reason}"


@pytest.mark.parametrize("by", ["purchases", "model"])
@pytest.mark.parametrize("history", ["no such thing", "red kettle; blue kettle", "; ;"])
def test_whoever_ranks_only_items_are_named(shop_folder: Path, params: Params, by: str, history: str) -> None:
    chosen = params.model_copy(update={"evaluate": params.evaluate.model_copy(update={"recommend_by": by})})
    title, reason = write(shop_folder, "recommend", "en", {"history": history}, chosen).split("\n")
    assert title in TITLES["en"] and reason.startswith("Why: ")


def test_recommendations_and_texts_keep_their_order(shop_folder: Path, params: Params) -> None:
    writer = load_writer(shop_folder, device="cpu", decoding=decoding_of(params.evaluate))
    bought, red = asked("recommend", "en", {"history": "red kettle"}), asked("describe", "en", {"colour": "red"})
    texts = writer.write([bought, red, bought])
    assert texts[0] == texts[2] == writer.write([bought])[0] != texts[1] == writer.write([red])[0]


def test_a_model_without_items_recommends_none(model_folder: Path, params: Params) -> None:
    with pytest.raises(UserError, match=r"does not know which items there are.*ecom-llm run"):
        write(model_folder, "recommend", "en", {"history": "red kettle"}, params)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_served_model_names_items_too(shop_folder: Path, params: Params) -> None:
    import pandas as pd
    from mlflow.pyfunc import PythonModelContext

    from ecom_llm.serve.pyfunc_model import ShopWriter

    served = ShopWriter()
    settings = decoding_of(params.evaluate).model_dump()
    served.load_context(PythonModelContext({"model": str(shop_folder)}, settings))
    rows = [{"skill": "recommend", "locale": "en", "attributes": json.dumps({"history": "red kettle"})}]
    [told] = served.predict(served, pd.DataFrame(rows))
    assert told.split("\n")[0] == "red lamp"


def quoted(locale: str, product: str, number: int, question: str, answer: str, **facts: str) -> Example:
    word = {"en": "question", "zh": "问题"}[locale]
    example = asked("answer", locale, {**facts, word: question})
    return example.model_copy(
        update={"id": f"{product}{number}", "product": product, "target": answer, "source": f"asked.csv:{number + 1}"}
    )


@pytest.fixture(scope="module")
def answering_folder(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with what customers asked: of twenty lamps and twenty kettles no listing, of a dress and a 连衣裙 one."""
    root = tmp_path_factory.mktemp("asked")
    parts = ("lid", "cord", "switch", "handle", "filter", "timer")
    told = [
        quoted(
            "en",
            f"{kind}{n}",
            k,
            f"Does this {kind} have a {part}?",
            f"Yes. The {part} of the {kind} is {n + k} inches.",
        )
        for n in range(20)
        for kind in ("lamp", "kettle")
        for k, part in enumerate(parts)
    ]
    told += [quoted("en", "dress", 0, "Which size?", "Small.", colour="red")]
    told += [quoted("zh", "dress", 1, "多大？", "小号。", 颜色="红色")]
    for split in ("train", "validation", "test"):
        write_records(root / split, Example, told if split == "train" else [])
    shutil.copytree(model_folder, root / "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learn, "MOST_QUESTIONS", 50)
        patch.setattr(learn, "MOST_CHOICES", 10)
        answering.save(learn.learned_from(root, 1), root / "model" / answering.FOLDER)
    return root / "model"


def test_a_question_about_a_product_is_answered_with_what_it_rests_on(answering_folder: Path, params: Params) -> None:
    wanted = {"product": "kettle3", "question": "How long is the cord of this kettle? Does it have a cord?"}
    # half of the shop are kettles, whose answers hold the same: another one's are as good as its own
    ready = params.model_copy(update={"evaluate": params.evaluate.model_copy(update={"min_support": 0.1})})
    text, grounds = write(answering_folder, "answer", "en", wanted, ready).split("\n")
    assert "of the kettle is" in text and "lamp" not in text
    assert grounds.startswith("Rests on: the answer to “Does this kettle have a ")
    known = answering.load(answering_folder).known.answers["kettle3", "en"]
    [quoted_one] = [one for one in known if f"the answer to “{one.question}” ({one.source})" in grounds]
    assert text in quoted_one.answer


@pytest.mark.parametrize("named", [{"product": "lamp3"}, {"product": "no such thing"}, {}])
def test_what_no_earlier_answer_holds_is_not_answered(
    answering_folder: Path, params: Params, named: dict[str, str]
) -> None:
    wanted = {**named, "question": "Will kettles with a 19 inch 3-way whistle boil on induction?"}
    strict = params.model_copy(update={"evaluate": params.evaluate.model_copy(update={"min_support": 0.99})})
    told = write(answering_folder, "answer", "en", wanted, strict)
    assert told == "I do not know, as it is not in what the shop has on this."


@pytest.mark.parametrize(
    ("locale", "question", "named", "grounds"),
    [
        ("en", "question", {"colour": "red"}, "Rests on: "),
        ("zh", "问题", {"颜色": "红色"}, "依据："),
    ],
)
def test_a_listing_is_looked_up_and_the_language_model_answers_from_it(
    answering_folder: Path, params: Params, locale: str, question: str, named: dict[str, str], grounds: str
) -> None:
    looked_up = write(answering_folder, "answer", locale, {question: "what?", "product": "dress"}, params)
    assert looked_up == write(answering_folder, "answer", locale, {**named, question: "what?"}, params)
    assert looked_up.split("\n")[-1].startswith(grounds)


def test_grounds_are_the_attributes_an_answer_states() -> None:
    example = asked(
        "answer", "en", {"colour": "red", "material": "silk; cotton", "waterproof": "yes", "question": "Is it?"}
    )
    assert with_grounds("It is red.", example) == "It is red.\nRests on: colour red"
    told = with_grounds("Cotton, and waterproof.", example)
    assert told.split("\n")[1] == "Rests on: material silk; cotton; waterproof yes"
    for text in ("Buy it.", "Yes, buy it."):
        assert with_grounds(text, example) == f"{text}\nRests on: nothing of the listing, word for word"
    for text in ("I don't know.", "On the sole, the page says nothing.", "鞋底一栏，详情页里没写明。"):
        assert with_grounds(text, example) == text
    assert with_grounds("It is red.", asked("answer", "en", {"question": "Is it?"})) == "It is red."
    assert with_grounds("red", asked("describe", "en", {"colour": "red"})) == "red"


def test_a_product_without_a_question_is_refused(answering_folder: Path, params: Params) -> None:
    with pytest.raises(UserError, match=r"there is no question among what was given \(product\).*--attr question"):
        write(answering_folder, "answer", "en", {"product": "lamp3"}, params)


@pytest.mark.parametrize("locale", ["zh_CN", "ZH", "zh-cn"])
def test_a_locale_is_known_however_it_is_spelled(answering_folder: Path, params: Params, locale: str) -> None:
    """English words about a 连衣裙, and nothing known of a product, were what `zh_CN` gave."""
    wanted = {"问题": "what?", "product": "dress"}
    assert write(answering_folder, "answer", locale, wanted, params) == write(
        answering_folder, "answer", "zh", wanted, params
    )


def test_a_question_about_nothing_is_not_answered_in_either_language(answering_folder: Path, params: Params) -> None:
    """In a locale in which nothing was learned of questions, too: "The listing has it", with no listing."""
    for locale, name, said in (("en", "question", "I do not know"), ("zh", "问题", "没有相关信息")):
        assert said in write(answering_folder, "answer", locale, {name: "What colour is it?"}, params)


def test_a_served_model_heeds_what_its_folder_says_of_copies(
    model_folder: Path, params: Params, tmp_path: Path
) -> None:
    folder = shutil.copytree(model_folder, tmp_path / "model")
    plain = load_writer(folder, device="cpu", decoding=decoding_of(params.evaluate))
    (free,) = plain.write([asked("describe", "en", {"colour": "red"})])
    copies.save(copies.learned_copies([free], 0), folder)
    bound = load_writer(folder, device="cpu", decoding=decoding_of(params.evaluate))
    assert bound.write([asked("describe", "en", {"colour": "red"})]) != [free]


def test_of_an_unknown_product_nothing_is_invented_in_either_language(answering_folder: Path, params: Params) -> None:
    assert answering.load(answering_folder).readers.keys() == {"en"}
    asked_in_chinese = {"product": "lamp3", "问题": "多大？"}
    assert "没有相关信息" in write(answering_folder, "answer", "zh", asked_in_chinese, params)
    by_model = params.model_copy(update={"evaluate": params.evaluate.model_copy(update={"answer_by": "model"})})
    assert "没有相关信息" not in write(answering_folder, "answer", "zh", asked_in_chinese, by_model)
