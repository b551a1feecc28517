"""scrub: a column's answers are a text's answers, once is enough, and what is not personal stays as it was."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ecom_llm.prepare.personal import TYPES, count_placeholders, find, placeholder, scrub, scrub_text

GOLDEN = Path(__file__).parents[3] / "golden" / "personal_data.jsonl"
TEXTS = [json.loads(line)["text"] for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
WORDS = """
13800138000 138-0013-8000 ＋８６ +86 (010) 62345678 415 555 0123 ２０２３１１１５ 110105 19491231 002X 4111 1111111111111111 4222222222222
0 1 22 333 4444 55555 １２ ３ . ． - － – / @ ＠ # ＃ : ： ( ) （ ） [ ] _ ＿ , ， 。 + x X A_ a_ ORDERID_1000 [PHONE] [ORDER_NUMBER]
8881234567 800 FLOWERS GO-FEDEX 888- 5551234 27 / ☎ 打 打我 号码 ring registered sent to reach
T: recipient receipt customer service agent
order Order ＯＲＤＥＲ orders number no. id 单id po P.O. tracking trk ord- inv ups 订单 订单号 单号 退款编号 快递 运单 号 顺丰 电话 手机
call phone tel 微信 card 卡 身份证 IP version 版本 model 型号 EAN email 邮箱 at dot com name qq.com zhang 192.168.1.1 1.2.3.4
2001:db8:: fe80
1Z999AA1 SF YT RB 元 ¥ $ 件 is 是 and 和 的 一三八零零一三八零零零 İ ſ K é 🙂 https:// www. S/N 艾特 (at)
"""
PIECES = st.sampled_from(WORDS.split())
SPACES = st.sampled_from(["", "", "", " ", " ", "\u00a0", "\u3000", "\n", "\v", "\t"])
SHOP_TALK = st.lists(st.tuples(PIECES, SPACES), max_size=14).map(lambda pairs: "".join(a + b for a, b in pairs))


@settings(max_examples=600, deadline=None)
@given(st.one_of(SHOP_TALK, st.text(max_size=60)))
@example("_4111111111111111")
@example("A_1２３４５６７ 13800138000")
@example("ｏｒｄｅｒ　ｎｏ１２３４５")
def test_a_column_gives_the_answers_of_its_texts(text):
    assert scrub(pa.array([text, None, text])).to_pylist() == [scrub_text(text), None, scrub_text(text)]


@settings(max_examples=400, deadline=None)
@given(SHOP_TALK)
@example("IP: order55555, 1.2.3.4")  # the order hides the cue before the address until it is replaced
def test_once_is_enough_and_the_rest_is_untouched(text):
    scrubbed = scrub_text(text)
    assert scrub_text(scrubbed) == scrubbed and find(scrubbed) == []
    once, end = "", 0
    for span in find(text):
        assert end <= span.start < span.end <= len(text)
        once += text[end : span.start] + f"[{span.type}]"
        end = span.end
    once += text[end:]
    # A placeholder changes what is near what, so there may be a second round; the first took the spans and no more.
    assert scrubbed == (once if find(once) == [] else scrub_text(once))


SHORT = """
tel | phone | mobile | mob | cell | call | called | calling | caller id | call back | sms
rang | can ring | ring me | ph | fax | text me | dialled | dial | whatsapp | viber | hotline
helpline | landline | contact | contacted | reach us | reached | reachable at | hold of me on
voicemail | number to call | my number | our number is | her new number's | office number
driver number | agent no | boy number | seller's number | service centre number | buyer no
courier number | technician's number | receiver number | manager no | 电话 | 打我 | ☎ | 收货人张三
"""
LONG = """
registered | recipient | customer service | customer care | sent to | texted pictures to | reply to | answer, try | otp | notify | M: | t:
"""


@pytest.mark.parametrize("cue", [cue.strip() for cue in SHORT.replace("\n", "|").split("|") if cue.strip()])
def test_seven_digits_behind_a_word_are_seen_by_the_column_too(cue):
    """The column's search has its own list of words: a cue missing there is a number that stays in the data."""
    text = f"{cue} 55512349"
    assert scrub(pa.array([text])).to_pylist() == [f"{cue} [PHONE]"]


@pytest.mark.parametrize("cue", LONG.strip().split(" | "))
def test_words_that_say_less_need_ten_digits(cue):
    column = scrub(pa.array([f"{cue} 5206549457", f"{cue} 55512349"])).to_pylist()
    assert column == [f"{cue} [PHONE]", f"{cue} 55512349"]


def test_the_labelled_set_in_one_column():
    column = pa.array(TEXTS)
    scrubbed = scrub(column)
    assert scrubbed.to_pylist() == [scrub_text(text) for text in TEXTS]
    assert scrub(scrubbed).equals(scrubbed)
    counts = count_placeholders(scrubbed)
    assert list(counts) == list(TYPES) and all(count > 100 for count in counts.values())


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_chunks_nulls_and_types(kind):
    chunks = pa.chunked_array([["a@b.de", None], [], ["nothing", "call 415-555-0123"]], type=kind)
    scrubbed = scrub(chunks)
    assert scrubbed.type == kind
    assert scrubbed.to_pylist() == ["[EMAIL]", None, "nothing", "call [PHONE]"]
    assert scrub(pa.chunked_array([], type=kind)).to_pylist() == []
    assert count_placeholders(scrub(pa.array([None], type=kind))) == dict.fromkeys(TYPES, 0)


def test_placeholders_are_counted_by_type():
    counts = count_placeholders(pa.array(["[PHONE] or [PHONE], [EMAIL]", None, "[phone]"]))
    assert {kind: count for kind, count in counts.items() if count} == {"PHONE": 2, "EMAIL": 1}
    assert placeholder("ID_NUMBER") == "[ID_NUMBER]"


def test_a_long_line_of_digits_is_no_trap():
    """Half a megabyte without a space, of every kind of separator: the time grows with the text, not with its square."""
    for unit in ("1", "1-", "1 ", "12.", "a@", "1:", "13800138000", "order1 ", "(1)"):
        scrub_text(unit * (20_000 // len(unit)))
