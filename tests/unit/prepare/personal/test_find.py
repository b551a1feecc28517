"""find: what is personal data and what only looks like it, on the labelled set and on hand-picked lines."""

import itertools
import json
from collections import Counter
from pathlib import Path

import pytest

from ecom_llm.prepare.personal import TYPES, Span, find
from proofs import personal_data as proof

GOLDEN = Path(__file__).parents[3] / "golden" / "personal_data.jsonl"


@pytest.fixture(scope="module")
def lines() -> list[dict]:
    return [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]


def test_what_is_promised_holds_on_a_set_written_without_the_patterns():
    cells = proof.measure(proof.read_labelled(proof.INDEPENDENT))
    assert sum(cell.labelled for cell in cells) > 8_000
    assert [cell for cell in cells if not cell.holds] == []


def test_the_labelled_set_is_what_it_says(lines):
    assert len(lines) >= 800
    assert len({line["text"] for line in lines}) == len(lines)
    assert sum(not line["spans"] for line in lines) >= 300
    labels = Counter((kind, line["locale"]) for line in lines for _, _, kind in line["spans"])
    assert all(labels[kind, locale] >= 50 for kind in TYPES for locale in ("en", "zh"))
    for line in lines:
        places = [(0, 0), *((start, end) for start, end, _ in line["spans"])]
        assert all(end <= start < stop for (_, end), (start, stop) in itertools.pairwise(places))
        assert places[-1][1] <= len(line["text"])


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize("kind", TYPES)
def test_recall_and_precision_on_the_labelled_set(lines, kind, locale):
    chosen = [line for line in lines if line["locale"] == locale]
    labelled = [{tuple(span) for span in line["spans"] if span[2] == kind} for line in chosen]
    found = [{tuple(span) for span in find(line["text"]) if span.type == kind} for line in chosen]
    right = sum(len(one & other) for one, other in zip(labelled, found, strict=True))
    assert right / sum(map(len, labelled)) >= 0.99
    assert right / sum(map(len, found)) >= 0.95


def kinds(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.type) for span in find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("订单号13812345678，电话13912345678谢谢", [("13812345678", "ORDER_NUMBER"), ("13912345678", "PHONE")]),
        ("电话１３８００１３８０００。", [("１３８００１３８０００", "PHONE")]),
        ("+1 415 555 0123 2 boxes", [("+1 415 555 0123", "PHONE")]),
        ("(+44 (0)20 7946 0958)", [("+44 (0)20 7946 0958", "PHONE")]),
        ("+49 151 12345678", [("+49 151 12345678", "PHONE")]),
        ("IP:2001:db8::8a2e:370:7334 at 12:30:45", [("2001:db8::8a2e:370:7334", "IP")]),
        ("Update from 5.15.20.4 to 5.15.25.40 for the router at 192.168.1.1", [("192.168.1.1", "IP")]),
        ("card 4111 1111 1111 1111 12/27", [("4111 1111 1111 1111", "BANK_CARD")]),
        ("orders 556677, 556678 and 556679", [(n, "ORDER_NUMBER") for n in ("556677", "556678", "556679")]),
        ("you need to order 4396841", []),
        ("can you add it to order 4396841?", [("4396841", "ORDER_NUMBER")]),
        ("顺丰95338，单号SF1234567890123", [("SF1234567890123", "ORDER_NUMBER")]),
        ("email me at sales dot com", []),
        ("my email: jane at example dot com", [("jane at example dot com", "EMAIL")]),
        ("look at walmart dot com", []),
        ("logo@2x.png", []),
        ("型号13800138000，¥13800138000", []),
        ("11010519491231002X 110105194912310021", [("11010519491231002X", "ID_NUMBER")]),
        ("EAN 4006381333931, card 4222222222222", [("4222222222222", "BANK_CARD")]),
        ("https://item.example.com/13800138000.html", []),
        ("订单编号:[ORDERID_10002280]，[PHONE] 12345678", []),
        ("call 1-800-FLOWERS", [("1-800-FLOWERS", "PHONE")]),
        ("an 800-watt inverter for 1 800 customers", []),
        ("T: 5206549457", [("5206549457", "PHONE")]),
        ("T: 120 180 200 240", []),
        ("debit card 639061702879", [("639061702879", "BANK_CARD")]),
        ("debit card 123456789015", []),
        ("17878966747/0512-61227003", [("17878966747", "PHONE"), ("0512-61227003", "PHONE")]),
        ("13326962708，14725901459都可以", [("13326962708", "PHONE"), ("14725901459", "PHONE")]),
        ("电话13812345678只能发短信", [("13812345678", "PHONE")]),
        ("订单ID42667", [("42667", "ORDER_NUMBER")]),
        ("order no.857072", [("857072", "ORDER_NUMBER")]),
        ("两个订单8977539484165944，7286501903", [(n, "ORDER_NUMBER") for n in ("8977539484165944", "7286501903")]),
        ("mail a@yahoo.com.Thanks", [("a@yahoo.com", "EMAIL")]),
        ("ping192.168.1.1不通", [("192.168.1.1", "IP")]),
        ("", []),
    ],
)
def test_hand_picked(text, expected):
    assert kinds(text) == expected


def test_places_are_characters_of_the_text_as_it_came():
    text = "🙂İ邮箱：ｚｈａｎｇ＠ｑｑ．ｃｏｍ🙂"
    (span,) = find(text)
    assert span == Span(5, 17, "EMAIL") and text[span.start : span.end] == "ｚｈａｎｇ＠ｑｑ．ｃｏｍ"
