"""The published forms: what they make of rows written as their authors do, and of rows that are not."""

import gzip
import json

import pytest

from ecom_llm.collect.forms import FORMS
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import Advert, Product, UserError

TONE = {"adverts.goal": "=吸引", "adverts.audience": "=顾客"}


def read(form, place, path="data", columns=None):
    return list(FORMS[form](place, Source(form=form, path=path, locale="zh", weight=1.0, columns=columns or {})))


def reasons(found):
    return [(row.source, row.row, row.table, row.reason) for row in found if isinstance(row, Rejected)]


ADVERTS = [
    {"content": "类型#裙*图案#条纹*图案#撞色", "summary": "条纹裙"},
    {"content": "类型#裙", "summary": "<UNK>的裙"},
    {"content": "类型裙", "summary": "裙"},
    {"content": "类型#裙", "summary": " "},
    {"summary": "裙"},
    {"content": "材质#a#b", "summary": "好"},
]


def test_advertisegen(tmp_path):
    place = tmp_path / "train.json"
    place.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ADVERTS), encoding="gb18030")
    product, advert, *refused, last, _ = read("advertisegen", place, "shop/train.json", TONE)
    assert product == Product(
        source="train.json",
        row=1,
        id="shop/train.json:1",
        locale="zh",
        title="",
        attributes={"类型": "裙", "图案": "条纹; 撞色"},
    )
    assert advert == Advert(
        source="train.json",
        row=1,
        product="shop/train.json:1",
        locale="zh",
        goal="吸引",
        audience="顾客",
        text="条纹裙",
    )
    assert reasons(refused)[::2] == [
        ("train.json", 2, "products", "summary: holds <UNK>, and less than half of it stands in sentences without"),
        ("train.json", 3, "products", "content: expected name#value*name#value"),
        ("train.json", 4, "products", "summary: empty"),
        ("train.json", 5, "products", "content: empty"),
    ]
    assert [table for _, _, table, _ in reasons(refused)] == ["products", "adverts"] * 4
    assert last.attributes == {"材质": "a#b"}


@pytest.mark.parametrize(
    ("summary", "kept"),
    [
        ("条纹裙很显瘦。来自<UNK>。搭配T恤！", "条纹裙很显瘦。搭配T恤！"),
        ("“<UNK>好看。”很显瘦，也百搭", "很显瘦，也百搭"),
        ("条纹裙。来自<UNK>的裙子。", None),
        ("<UNK>，条纹裙很显瘦", None),
    ],
)
def test_advertisegen_leaves_out_sentences_with_holes_and_tests_on_none_of_the_rest(tmp_path, summary, kept):
    place = tmp_path / "train.json"
    row = {"content": "类型#裙", "summary": summary}
    place.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    product, advert = read("advertisegen", place, "shop/train.json", TONE)
    if kept is None:
        assert isinstance(product, Rejected) and isinstance(advert, Rejected)
    else:
        assert (product.split, advert.text) == ("train", kept)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (TONE | {"adverts.goal": "Goal"}, "adverts.goal: found 'Goal'; expected =text"),
        (TONE | {"products.id": "id"}, r"'products\.id', but the form advertisegen knows its own columns"),
    ],
)
def test_advertisegen_takes_constants_for_the_tone_alone(tmp_path, columns, said):
    (tmp_path / "train.json").write_text('{"content": "a#b", "summary": "c"}\n')
    with pytest.raises(UserError, match=said):
        read("advertisegen", tmp_path / "train.json", "train.json", columns)


def test_adverts_without_a_tone_leave_it_empty(tmp_path):
    (tmp_path / "train.json").write_text('{"content": "a#b", "summary": "c"}\n')
    _, advert = read("advertisegen", tmp_path / "train.json", "train.json", {"adverts.goal": "=sell"})
    assert (advert.goal, advert.audience) == ("sell", "")


def test_amazon_qa(tmp_path):
    place = tmp_path / "qa_Toys.json.gz"
    rows = [
        "{'questionType': 'yes/no', 'asin': 'B1', 'question': \"It's red?\", 'answerType': '?', 'answer': 'Yes.'}",
        "{'asin': 'B1', 'question': 'Why?', 'answer': ''}",
        "{'asin': 'B1', 'question': 'Why?'",
        "__import__('os').abort()",
        "{'asin': 'B2', 'question': ['Why', {}], 'answer': 'So'}",
    ]
    place.write_bytes(gzip.compress("\n".join(rows).encode()))
    first, *refused = read("amazon_qa", place)
    assert (first.row, first.product, first.question, first.answer) == (1, "B1", "It's red?", "Yes.")
    assert [row for _, row, _, _ in reasons(refused)] == [2, 3, 4, 5]
    assert reasons(refused)[0][3] == "answer: empty"
    assert reasons(refused)[3][3] == "question: expected text, a number or a list of them"


def write_dialogues(folder, name, contexts, answers):
    (folder / f"{name}.enc").write_text("\n".join(contexts) + "\n", encoding="utf-8")
    (folder / f"{name}.dec").write_text("\n".join(answers) + "\n", encoding="utf-8")


def test_jddc(tmp_path):
    contexts = ["你好,在吗,", "查[ORDERID_17],", "退款", "几点\u2028到,"]
    write_dialogues(tmp_path, "train", contexts, ["在的,", "好的", ",", "[ORDERID_17]明天,"])
    found = read("jddc", tmp_path, "jd")
    questions = [(one.row, one.product, one.question, one.answer) for one in found if not isinstance(one, Rejected)]
    assert questions == [
        (1, "jd/train.enc:1", "你好,在吗", "在的"),
        (2, "order:17", "查[ORDERID_17]", "好的"),
        (4, "order:17", "几点\u2028到", "[ORDERID_17]明天"),
    ]
    assert reasons(found) == [("train.enc", 3, "questions", "answer: empty")]


def test_jddc_refuses_files_of_different_length(tmp_path):
    write_dialogues(tmp_path, "train", ["一", "二", "三"], ["1", "2"])
    with pytest.raises(UserError, match=r"train\.enc:3: this line has no partner"):
        read("jddc", tmp_path)


def test_jddc_needs_both_files(tmp_path):
    (tmp_path / "train.enc").write_text("一\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"train\.dec is missing.*holds train\.enc"):
        read("jddc", tmp_path)
    (tmp_path / "train.enc").rename(tmp_path / "train.txt")
    with pytest.raises(UserError, match=r"expected a folder with files such as train\.enc"):
        read("jddc", tmp_path)


ITEMS = {
    str(number): {"title": title, "description": description, "brand": brand, "categories": ""}
    for number, (title, description, brand) in enumerate(
        [("Tape", "['Sticks.', 'Well.']", "3M"), ("Glue", "plain", ""), ("Bolt", "['cut", "X"), ("", "", "")]
    )
}


def write_windows(folder, **files):
    (folder / "items.json").write_text(json.dumps(ITEMS, indent=2))
    for name, rows in files.items():
        lines = ["user_id,history_item_title,item_title,history_item_id,item_id"]
        lines += [f'{user},"[]",x,"{history}",{item}' for user, history, item in rows]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")


def purchases(found, source):
    return [
        (one.row, one.shopper, one.product, one.position, one.split)
        for one in found
        if one.source == source and not isinstance(one, Rejected)
    ]


def test_items_and_windows(tmp_path):
    windows = [("u", "[0]", 1), ("u", "[0, 1]", 2)]
    write_windows(tmp_path, train=windows, test=[("u", "[0, 1]", 2), ("u", "[9]", 1), ("u", "[1", 1), ("", "[1]", 1)])
    found = read("item_windows", tmp_path)
    products = [one for one in found if isinstance(one, Product)]
    assert [(one.id, one.title, one.description) for one in products] == [
        ("0", "Tape", "Sticks. Well."),
        ("1", "Glue", "plain"),
        ("2", "Bolt", "['cut"),
    ]
    assert [one.attributes for one in products] == [{"brand": "3M"}, {}, {"brand": "X"}]
    assert purchases(found, "train.csv") == [
        (2, "u:train:2", "0", 0, None),
        (2, "u:train:2", "1", 1, "train"),
        (3, "u:train:3", "0", 0, None),
        # the window before has taught this purchase already
        (3, "u:train:3", "1", 1, None),
        (3, "u:train:3", "2", 2, "train"),
    ]
    assert purchases(found, "test.csv") == [
        (2, "u:test:2", "0", 0, None),
        (2, "u:test:2", "1", 1, None),
        (2, "u:test:2", "2", 2, "test"),
    ]
    assert [reason for _, _, _, reason in reasons(found)] == [
        "title: empty",
        "history_item_id: an item that items.json does not hold",
        "history_item_id: expected a list of numbers such as [3, 14]",
        "user_id: empty",
    ]


def test_without_train_windows_most_validation_users_are_learned_from(tmp_path):
    write_windows(tmp_path, valid=[(f"u{n}", "[0, 1]", 2) for n in range(400)], test=[("u1", "[0]", 1)])
    found = read("item_windows", tmp_path)
    splits = {one.shopper: one.split for one in found if one.source == "valid.csv" and one.split}
    assert set(splits.values()) == {"train", "validation"}
    assert 20 <= list(splits.values()).count("validation") <= 60


def test_windows_without_items_are_refused(tmp_path):
    write_windows(tmp_path)
    with pytest.raises(UserError, match=r"holds none of train\.csv, valid\.csv, test\.csv, only items\.json"):
        read("item_windows", tmp_path)
    (tmp_path / "items.json").unlink()
    with pytest.raises(UserError, match=r"items\.json is missing"):
        read("item_windows", tmp_path)


def test_tables_and_rnnlg_stand_among_the_forms(tmp_path):
    (tmp_path / "products.csv").write_text("id,title\n1,Mug\n,Cup\n")
    mug, cup = read("tables", tmp_path)
    assert (mug.source, mug.row, mug.title, mug.locale) == ("products.csv", 2, "Mug", "zh")
    assert reasons([cup]) == [("products.csv", 3, "products", "id: empty")]
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.json").write_text(json.dumps([["inform(name=x)", "x is here", ""], ["bad"]]))
    found = read("rnnlg", tmp_path)
    assert [one.split for one in found if isinstance(one, Product)] == ["train", "validation", "test"]
    assert len(reasons(found)) == 3
