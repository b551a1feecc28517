"""tables: wrong columns, files that cannot be read and folders without tables are one clear error each."""

import json

import pytest

from ecom_llm.collect.forms.tables import read
from ecom_llm.params import Source
from ecom_llm.records import UserError
from tests.unit.collect.forms.test_tables import collected, write


def refusal(place):
    with pytest.raises(UserError) as caught:
        collected(place)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("products_csv", "", ["is empty"]),
        ("products_csv", "id,Titel\nP1,red\n", [":1: the column 'title' is missing", "found id, Titel", "id, title"]),
        ("products_csv", "id,Title\nP1,red\n", ["Did you mean 'Title'?", "the form mapped"]),
        ("products_csv", "id,title,id\nP1,x,P1\n", [":1: two columns are called 'id'"]),
        ("products_csv", ",id,title\n0,P1,x\n", [":1: column 1 has no name. Name it, or remove it."]),
        ("reviews_csv", "product,stars,text,date\nP1,5,x,2020\n", [":1: reviews has no column 'date'", "strengths, flaws"]),
        ("reviews_csv", "product,stars,text,source\nP1,5,x,y\n", [":1: reviews has no column 'source'"]),
        ("reviews_jsonl", '{"product": "P1", "text": "x"}\n', [":1: the column 'stars' is missing", "found product, text"]),
        ("reviews_jsonl", '{"product":"P","stars":1,"text":"x"}\n{"star":1}\n', [":2: reviews has no column 'star'"]),
        ("reviews_json", '[{"product":"P","stars":1,"text":"x"},\n{"star":1}]', [":2: reviews has no column 'star'"]),
        ("questions_txt", "What is it?\nA pan.\n", [":1: the column 'product' is missing", "found text"]),
    ],
)  # fmt: skip
def test_wrong_columns_and_unreadable_files_are_one_clear_error(tmp_path, name, content, words):
    message = refusal(write(tmp_path, **{name: content}))
    assert message.startswith(str(tmp_path / name.replace("_", ".")))
    for part in words:
        assert part in message
    assert "\n" not in message


def test_a_header_is_checked_before_the_first_row_is_given(tmp_path):
    write(tmp_path, products_csv="id,name\nP1,Pan\n")
    rows = read(tmp_path, Source(form="tables", path=".", locale="en", weight=1.0, columns={}))
    with pytest.raises(UserError, match="'title' is missing"):
        next(rows)


def test_many_columns_are_not_all_listed(tmp_path):
    message = refusal(write(tmp_path, products_csv=",".join(f"c{n}" for n in range(5000)) + "\n"))
    assert len(message) < 1000 and "c19, ...;" in message


def test_a_folder_without_tables_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    message = refusal(tmp_path)
    assert "holds no table: found notes.txt" in message and "products.csv" in message and "interactions.csv" in message
    assert "holds no table: found one file of another name" in refusal(tmp_path / "notes.txt")
    (tmp_path / "empty").mkdir()
    assert "found nothing" in refusal(tmp_path / "empty")
    assert "does not exist" in refusal(tmp_path / "nowhere")


def test_two_files_for_one_table_are_refused(tmp_path):
    write(tmp_path, products_csv="id,title\n", products_json_gz=b"")
    assert "holds both products.csv and products.json.gz for the table products" in refusal(tmp_path)


def test_columns_are_no_matter_of_this_form(tmp_path):
    write(tmp_path, products_csv="id,title\n")
    with pytest.raises(UserError, match="Remove the key, or use the form mapped"):
        collected(tmp_path, columns={"products.id": "id"})


def test_positions_that_begin_in_the_middle_of_a_file_are_refused(tmp_path):
    rows = [{"shopper": "A", "product": "P1"}] * 500 + [{"shopper": "A", "product": "P2", "position": 3}]
    message = refusal(write(tmp_path, interactions_jsonl="\n".join(map(json.dumps, rows))))
    assert "interactions.jsonl:501: found the column 'position'" in message and "or in none" in message
