"""Packed files: found by their bytes, read whole or refused, and never more than the bounds allow."""

import io
import os
import struct
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecom_llm.collect.files import limits, read_lines, read_rows, shape_of
from ecom_llm.collect.files.archive import open_member
from ecom_llm.collect.files.compression import chunks, compression_of
from ecom_llm.records import UserError
from proofs.reader_files import PACKED

NAMES = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd", ".zip": "zip"}
PACKINGS = st.sampled_from(list(NAMES))
ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@ONE_FOLDER
@given(packing=PACKINGS, data=st.binary(max_size=3000))
def test_what_was_packed_is_unpacked(tmp_path, packing, data):
    path = tmp_path / "file"
    path.write_bytes(PACKED[packing](data))
    assert compression_of(path.read_bytes()) == NAMES[packing]
    assert b"".join(chunks(path, NAMES[packing])) == data


@ONE_FOLDER
@given(packing=PACKINGS, data=st.binary(min_size=1, max_size=3000), cut=st.floats(0, 1, exclude_max=True))
def test_a_file_that_is_cut_off_is_refused(tmp_path, packing, data, cut):
    packed = PACKED[packing](data)
    path = tmp_path / "file"
    path.write_bytes(packed[: max(1, int(cut * len(packed)))])
    with pytest.raises(UserError, match=r"file: (is damaged|is not a zip|.*table of contents)"):
        list(chunks(path, NAMES[packing]))


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".xz", ".zst"])
def test_streams_that_follow_one_another_are_all_read(tmp_path, packing):
    path = tmp_path / "file"
    path.write_bytes(PACKED[packing](b"one,") + PACKED[packing](b"two"))
    assert b"".join(chunks(path, NAMES[packing])) == b"one,two"


@pytest.mark.parametrize("packing", NAMES)
@pytest.mark.parametrize("bound", ["RATIO_FROM", "OUT"])
def test_bombs_are_stopped_by_ratio_and_by_bytes(tmp_path, monkeypatch, packing, bound):
    monkeypatch.setattr(limits, "CHUNK", 10_000)
    monkeypatch.setattr(limits, bound, 100_000)
    path = tmp_path / "bomb"
    path.write_bytes(PACKED[packing](b"\0" * 3_000_000))
    seen = 0
    with pytest.raises(UserError, match="which no text does"):
        for chunk in chunks(path, NAMES[packing]):
            seen += len(chunk)
    assert seen <= max(100_000, limits.RATIO * path.stat().st_size if bound == "RATIO_FROM" else 0)


def test_xz_may_not_ask_for_any_memory_it_likes(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "XZ_MEMORY", 1000)
    path = tmp_path / "file.xz"
    path.write_bytes(PACKED[".xz"](b"text"))
    with pytest.raises(UserError, match="Memory usage limit"):
        list(chunks(path, "xz"))


def archive(*members, **attributes):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as written:
        for name, content in members:
            member = zipfile.ZipInfo(name)
            for attribute, value in attributes.items():
                setattr(member, attribute, value)
            written.writestr(member, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (archive(), "holds 0 files"),
        (archive(("a.csv", "a"), ("b.csv", "b")), "holds 2 files: 'a.csv', 'b.csv'"),
        (archive(("../a.csv", "a")), "a path outside"),
        (archive(("/a.csv", "a")), "a path outside"),
        (archive(("..\\a.csv", "a")), "a path outside"),
        (archive(("C:\\a.csv", "a")), "a path outside"),
        (archive(("a.csv", "b.csv"), external_attr=0o120777 << 16), "is a link"),
        (archive(("a.csv", "a" * 99), compress_type=zipfile.ZIP_LZMA), "method 14, expected deflate"),
        (
            archive(("a.csv", "a")).replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0"),
            "is encrypted",
        ),
    ],
)
def test_archives_without_one_plain_file_are_refused(tmp_path, data, words):
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    with pytest.raises(UserError) as caught:
        list(read_rows(path))
    assert words in str(caught.value)


def test_a_table_of_contents_that_is_too_long_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "DIRECTORY", 1000)
    path = tmp_path / "a.zip"
    path.write_bytes(archive(*((f"{number}.csv", "") for number in range(100))))
    with pytest.raises(UserError, match="its table of contents takes"):
        list(read_rows(path))


def test_what_macos_and_folders_add_to_an_archive_is_no_file(read):
    data = archive(("a/", ""), ("a/b.csv", "id,text\n1,x\n"), ("__MACOSX/a/._b.csv", "x"), ("a/.DS_Store", "x"))
    assert read("a.zip", data) == [(2, {"id": "1", "text": "x"})]


def test_bytes_decide_and_not_the_name(read, tmp_path):
    assert read("a.csv", PACKED[".gz"](b"id,text\n1,x\n")) == [(2, {"id": "1", "text": "x"})]
    assert read("a.csv.gz", b"id,text\n1,x\n") == [(2, {"id": "1", "text": "x"})]
    assert shape_of(tmp_path / "a.csv").compression == "gzip"


def test_a_file_that_is_packed_twice_is_refused(read):
    with pytest.raises(UserError, match=r"compressed twice \(bz2 in gzip\)"):
        read("a.csv.bz2.gz", PACKED[".gz"](PACKED[".bz2"](b"id\n1\n")))


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, words in [("", "is a folder"), ("pipe", "not a regular file"), ("none.csv", "No such file")]:
        for reader in (shape_of, lambda path: list(read_rows(path)), lambda path: list(read_lines(path))):
            with pytest.raises(UserError, match=words):
                reader(tmp_path / name)


@pytest.mark.parametrize("fault", [zipfile.BadZipFile, struct.error, RuntimeError, IndexError])
def test_a_fault_of_ours_while_an_archive_is_read_is_not_blamed_on_the_archive(tmp_path, fault):
    path = tmp_path / "a.zip"
    path.write_bytes(archive(("a.csv", "id\n1\n")))
    with path.open("rb") as raw, pytest.raises(fault, match="of ours"), open_member(raw):
        raise fault("of ours")
