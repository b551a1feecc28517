"""Encodings: recognised from a sample, and the lines that do not fit are Faults, not the end."""

import base64
import codecs

import pytest

from ecom_llm.collect.files import Fault, limits, read_lines, read_rows, shape_of
from ecom_llm.records import UserError

CHINESE = "宽松的阔腿裤这两年真的吸粉不少，明星时尚达人的心头爱。毕竟好穿时尚，谁都能穿出腿长2米的效果。\n"
TRADITIONAL = "這件連身裙的質料非常柔軟，穿起來很舒服，顏色也很漂亮，下次還會再買給家人。\n"
JAPANESE = "とても着心地が良く、デザインも気に入りました。サイズはちょうどいいです。また購入します。\n"
KOREAN = "배송이 빠르고 품질이 아주 좋아요. 색상도 마음에 들고 다음에 또 구매하겠습니다.\n"
FRENCH = "Très jolie robe, la qualité est là, mais la taille est un peu petite à l'épaule. Déçue du délai.\n"
GERMAN = "Schöne Größe, für kühle Tage genügt es völlig. Ärmel überraschend weich.\n"
RUSSIAN = "Очень хорошее платье, качество отличное, размер подошёл. Доставка быстрая.\n"


@pytest.mark.parametrize("lines", [1, 3, 400])
@pytest.mark.parametrize(
    ("text", "written", "told"),
    [
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "utf-8-sig", "utf-8"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "utf-16", "utf-16-le"),
        (TRADITIONAL, "big5", "big5"),
        (JAPANESE, "cp932", "cp932"),
        (JAPANESE, "euc_jp", "euc_jp"),
        (KOREAN, "cp949", "cp949"),
        (FRENCH, "utf-16-le", "utf-16-le"),
        (FRENCH, "utf-16-be", "utf-16-be"),
        (FRENCH, "cp1252", "cp1252"),
        (GERMAN, "cp1252", "cp1252"),
        (RUSSIAN, "cp1251", "cp1251"),
        ("plain text of no language\n", "ascii", "utf-8"),
    ],
)
def test_encodings_are_recognised_and_read(tmp_path, text, written, told, lines):
    path = tmp_path / "a.txt"
    path.write_bytes((text * lines).encode(written))
    assert shape_of(path).encoding == told
    assert [line for _, line in read_lines(path)] == [text.rstrip("\n")] * lines


def test_the_encoding_may_show_far_behind_the_sample(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n" + b"1,plain\n" * (limits.SAMPLE // 4) + "2,真丝\n".encode("gb18030") * 3)
    assert shape_of(path).encoding == "gb18030"
    assert list(read_rows(path))[-1][1] == {"id": "2", "text": "真丝"}


def test_lines_in_other_encodings_are_faults(read):
    lines = ["id,text", *(f"{number},真丝连衣裙" for number in range(9))]
    data = [line.encode() for line in lines]
    data[4] = lines[4].encode("gb18030")
    rows = read("a.csv", b"\n".join(data))
    assert len(rows) == 9
    assert rows[3] == (5, Fault("a byte that is not utf-8: 0xd5", "3,\ufffd\ufffd˿\ufffd\ufffd\ufffd\ufffdȹ"))
    assert all(row == {"id": str(number), "text": "真丝连衣裙"} for number, (_, row) in enumerate(rows) if number != 3)


@pytest.mark.parametrize("written", ["utf-16-le", "utf-16-be"])
def test_half_a_character_of_utf16_spoils_its_own_line(read, written):
    mark = codecs.BOM_UTF16_LE if written.endswith("le") else codecs.BOM_UTF16_BE
    good = "id,text\n1,真\n".encode(written)
    bad = "2,".encode(written) + "\ud800".encode(written, "surrogatepass") + "\n3,x\n".encode(written)
    rows = read("a.csv", mark + good + bad + b"\x34")
    assert [line for line, _ in rows] == [2, 3, 4, 5]
    assert [isinstance(row, Fault) for _, row in rows] == [False, True, False, True]


def test_marks_left_over_from_joined_files_are_dropped(read):
    rows = read("a.jsonl", b'\xef\xbb\xbf{"a": "1"}\n\xef\xbb\xbf{"a": "2"}\n')
    assert rows == [(1, {"a": "1"}), (2, {"a": "2"})]


def test_nul_bytes_are_faults_of_their_lines(read):
    rows = read("a.csv", b"id,text\n1,a\0b\n2,c\n")
    assert rows == [(2, Fault("a NUL byte", "1,a\0b")), (3, {"id": "2", "text": "c"})]


SMALLEST_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
"""A PNG of one pixel."""


def test_a_short_file_may_hold_control_characters(read):
    """Some shop's export of one product, of 24 bytes: its title is cleaned later."""
    assert read("a.csv", b'"id","title"\n"","\x1a\x08\x08"\n') == [(2, {"id": "", "title": "\x1a\x08\x08"})]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("text".encode("utf-32"), "encoded in UTF-32"),
        (bytes(range(32)) * 9, "is not text"),
        (SMALLEST_PICTURE, "is not text"),
    ],
)
def test_what_is_no_text_is_refused(read, data, words):
    with pytest.raises(UserError, match=words):
        read("a.txt", data)


@pytest.mark.parametrize("data", [b"", b"\n \t\r\n", b"\xef\xbb\xbf", b"\xff\xfe"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.txt", "a.parquet", "a.xlsx"])
def test_empty_files_are_refused(read, name, data):
    with pytest.raises(UserError, match=f"{name}: is empty"):
        read(name, data)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_known(read, end):
    assert read("a.csv", end.join(["id,text", "1,a", "2,b", ""])) == [
        (2, {"id": "1", "text": "a"}), (3, {"id": "2", "text": "b"}),
    ]  # fmt: skip


@pytest.mark.parametrize("chunk", [1, 3, 1 << 20])
def test_lines_that_are_too_long_are_faults_wherever_chunks_end(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(limits, "CHUNK", chunk)
    monkeypatch.setattr(limits, "LINE", 20)
    path = tmp_path / "a.txt"
    path.write_text("short\n" + "x" * 21 + "\n" + "y" * 19 + "\n" + "z" * 500)
    bad = "a line of more than 20 bytes"
    lines = list(read_lines(path))
    assert [(number, line.reason if isinstance(line, Fault) else line) for number, line in lines] == [
        (1, "short"), (2, bad), (3, "y" * 19), (4, bad),
    ]  # fmt: skip


def test_form_feeds_and_their_like_end_no_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\x0ctwo\u2028three\x85four\n", encoding="utf-8")
    assert list(read_lines(path)) == [(1, "one\x0ctwo\u2028three\x85four")]
