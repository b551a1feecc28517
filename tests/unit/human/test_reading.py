"""What raters send back, and everything that can have happened to it on the way."""

import csv
import io
import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecom_llm.human.reading import Rejected, Returned, read_returned, usable
from ecom_llm.human.sheet import write_sheet
from ecom_llm.human.study import Answer, Sheet, Study
from ecom_llm.records import UserError
from proofs.spreadsheets import number_cell, text_cell, xlsx
from proofs.spreadsheets import sheet as excel_sheet


def known(study: Study) -> dict[str, Study]:
    return {study.id: study}


def page_file(sheet: Sheet, **changes) -> dict:
    given_ = {"choice": "first", "ratings": {}} if sheet.kind == "pairwise" else {"choice": None, "ratings": marks(4)}
    answers = [
        {"task": task.id, **given_, "ratings": dict(given_["ratings"]), "reasons": [], "comment": ""}
        for task in sheet.tasks
    ]
    head = {"study": sheet.study, "rater": sheet.rater, "digest": sheet.digest, "name": "Ann"}
    return {**head, "answers": answers, **changes}


def marks(value: int) -> dict[str, int]:
    return {"fluency": value, "faithful": value, "publish": value}


def written(path, body: dict):
    path.write_text(json.dumps(body))
    return path


def filled(sheet: Sheet, folder, values: dict[str, str]) -> list[list[str]]:
    """The sheet's cells with the same values in every row."""
    write_sheet(folder / "sheet.csv", sheet)
    text = (folder / "sheet.csv").read_text(encoding="utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text))
    return [head, *([values.get(name, cell) for name, cell in zip(head, row, strict=True)] for row in rows)]


def saved(path, rows, encoding="utf-8-sig", delimiter=",", errors="strict"):
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    path.write_bytes(buffer.getvalue().encode(encoding, errors))
    return path


def kept(found: Returned, sheet: Sheet) -> list[Answer]:
    return [one for one in usable(found, sheet) if isinstance(one, Answer)]


def reasons(found: Returned, sheet: Sheet) -> list[str]:
    return [one.reason for one in (*found.rejected, *usable(found, sheet)) if isinstance(one, Rejected)]


def test_the_file_of_the_page_is_read(study, tmp_path):
    sheet = study.sheets[1]
    found = read_returned(written(tmp_path / "a.json", page_file(sheet)), known(study))
    assert (found.study, found.rater, found.name) == (study.id, 2, "Ann")
    assert [one.choice for one in kept(found, sheet)] == ["first"] * len(sheet.tasks)
    assert reasons(found, sheet) == []


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ";"), ("utf-16", "\t"), ("gb18030", ",")]
)
@pytest.mark.parametrize(("cell", "meant"), [("A", "first"), (" b ", "second"), ("Ｔｉｅ", "tie"), ("差不多", "tie")])
def test_a_sheet_is_read_as_any_spreadsheet_saves_it(study, tmp_path, encoding, delimiter, cell, meant):
    sheet = study.sheets[0]
    rows = filled(sheet, tmp_path, {"choice": cell})
    found = read_returned(saved(tmp_path / "b.csv", rows, encoding, delimiter), known(study))
    assert [one.choice for one in kept(found, sheet)] == [meant] * len(sheet.tasks)
    assert reasons(found, sheet) == []


def test_a_sheet_saved_as_excels_own_file_is_read(ratings, tmp_path):
    sheet = ratings.sheets[0]
    head, *rows = filled(sheet, tmp_path, {"publish": "5"})
    marked = ("rater", "fluency", "faithful")  # what a spreadsheet keeps as numbers
    given_ = {"rater": "1", "fluency": "4", "faithful": "2"}
    cells = [
        [number_cell(given_[name]) if name in marked else text_cell(cell) for name, cell in zip(head, row, strict=True)]
        for row in rows
    ]
    path = tmp_path / "sheet.xlsx"
    path.write_bytes(xlsx(excel_sheet([[text_cell(name) for name in head], *cells])))
    found = read_returned(path, known(ratings))
    assert reasons(found, sheet) == []
    assert [one.ratings for one in kept(found, sheet)] == [{"fluency": 4, "faithful": 2, "publish": 5}] * len(
        sheet.tasks
    )


def test_characters_an_encoding_cannot_hold_are_no_change(study, tmp_path):
    sheet = study.sheets[0]
    rows = filled(sheet, tmp_path, {"choice": "A"})
    found = read_returned(saved(tmp_path / "c.csv", rows, "cp1252", ";", errors="replace"), known(study))
    assert len(kept(found, sheet)) == len(sheet.tasks)


def test_ratings_are_read_from_a_sheet_with_decimals(ratings, tmp_path):
    sheet = ratings.sheets[0]
    rows = filled(sheet, tmp_path, {"fluency": "4.0", "faithful": "３", "publish": "5"})
    found = read_returned(saved(tmp_path / "d.csv", rows), known(ratings))
    assert kept(found, sheet)[0].ratings == {"fluency": 4, "faithful": 3, "publish": 5}


def test_rows_that_are_not_filled_in_are_missing_and_not_wrong(study, tmp_path):
    sheet = study.sheets[0]
    rows = filled(sheet, tmp_path, {})
    rows[1][rows[0].index("choice")] = "B"
    found = read_returned(saved(tmp_path / "e.csv", rows), known(study))
    assert [one.choice for one in kept(found, sheet)] == ["second"]
    assert reasons(found, sheet) == []


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("choice", "C", "the choice is 'C', expected A, B or tie"),
        ("A", "My own words.", "A is not what was to be judged"),
        ("facts", "colour: pink", "facts is not what was to be judged"),
        ("task", "task-0000000000", "is not in this rater's sheet"),
    ],
)
def test_a_bad_row_is_counted_and_the_others_are_kept(study, tmp_path, column, value, said):
    sheet = study.sheets[0]
    rows = filled(sheet, tmp_path, {"choice": "A"})
    rows[3][rows[0].index(column)] = value
    found = read_returned(saved(tmp_path / "f.csv", rows), known(study))
    assert len(kept(found, sheet)) == len(sheet.tasks) - 1
    assert len(reasons(found, sheet)) == 1
    assert said in reasons(found, sheet)[0]
    assert found.rejected[0].where.startswith("line ")


@pytest.mark.parametrize("value", ["0", "6", "4.5", "good", "-1", ""])
def test_a_mark_out_of_range_is_counted(ratings, tmp_path, value):
    sheet = ratings.sheets[0]
    rows = filled(sheet, tmp_path, {"fluency": "4", "faithful": "3", "publish": "5"})
    rows[1][rows[0].index("publish")] = value
    found = read_returned(saved(tmp_path / "g.csv", rows), known(ratings))
    assert reasons(found, sheet) == [f"publish is {value!r}, expected 1, 2, 3, 4 or 5"]


def test_a_task_answered_twice_counts_once_if_alike_and_never_if_not(study, tmp_path):
    sheet = study.sheets[0]
    rows = filled(sheet, tmp_path, {"choice": "A"})
    other = list(rows[2])
    other[rows[0].index("choice")] = "B"
    found = read_returned(saved(tmp_path / "h.csv", [*rows, rows[1], other]), known(study))
    assert len(kept(found, sheet)) == len(sheet.tasks) - 1
    assert [reason for reason in reasons(found, sheet) if "twice, differently: neither counts" in reason]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"study": "0123456789"}, "belongs to the study '0123456789', which is not here. There are: "),
        ({"rater": 7}, "is of rater '7'; study .* has the raters 1, 2, 3"),
        ({"digest": "0" * 64}, "answered on a page with other texts"),
        ({"answers": "none"}, r"answers: Input should be a valid array"),
        ({"extra": 1}, "extra: Extra inputs are not permitted"),
    ],
)
def test_a_page_file_of_something_else_is_one_clear_error(study, tmp_path, changes, said):
    path = written(tmp_path / "i.json", page_file(study.sheets[0], **changes))
    with pytest.raises(UserError, match=said):
        read_returned(path, known(study))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"choice": "third"}, "expected first, second or tie"),
        ({"choice": None}, "is incomplete, expected a choice"),
        ({"ratings": {"beauty": 3}}, "beauty is 3, expected 1 to 5 on fluency"),
        ({"reasons": ["because"]}, "the reasons .'because'. are unknown"),
        ({"task": "nobody"}, "the task 'nobody' is not in this rater's sheet"),
    ],
)
def test_a_bad_answer_of_the_page_is_counted(study, tmp_path, changes, said):
    sheet = study.sheets[0]
    body = page_file(sheet)
    body["answers"][0] |= changes
    found = read_returned(written(tmp_path / "j.json", body), known(study))
    assert len(kept(found, sheet)) == len(sheet.tasks) - 1
    (reason,) = reasons(found, sheet)
    assert re.search(said, reason)


def test_a_rating_without_all_scales_is_incomplete(ratings, tmp_path):
    sheet = ratings.sheets[0]
    body = page_file(sheet)
    del body["answers"][0]["ratings"]["publish"]
    found = read_returned(written(tmp_path / "k.json", body), known(ratings))
    assert reasons(found, sheet) == ["is incomplete, expected all of fluency, faithful, publish"]


def test_sheets_of_two_raters_in_one_file_are_refused(study, tmp_path):
    rows = filled(study.sheets[0], tmp_path, {"choice": "A"}) + filled(study.sheets[1], tmp_path, {"choice": "A"})[1:]
    with pytest.raises(UserError, match="'rater' holds 1, 2; expected one sheet of one rater a file"):
        read_returned(saved(tmp_path / "l.csv", rows), known(study))


def test_a_table_that_is_no_sheet_is_refused(study, tmp_path):
    with pytest.raises(UserError, match="has no column 'study', found id, title"):
        read_returned(saved(tmp_path / "m.csv", [["id", "title"], ["1", "Lamp"]]), known(study))
    with pytest.raises(UserError, match="cannot be read"):
        read_returned(tmp_path / "nothing.json", known(study))


def test_a_text_that_looks_like_a_formula_comes_back_as_it_went(study, tmp_path):
    task = study.sheets[0].tasks[0].model_copy(update={"texts": ("=1+1", "@all, look")})
    sheet = study.sheets[0].model_copy(update={"tasks": (task,)})
    rows = filled(sheet, tmp_path, {"choice": "A"})
    assert "'=1+1" in rows[1]
    for kept_mark in (rows, [rows[0], [cell.removeprefix("'") for cell in rows[1]]]):
        path = saved(tmp_path / "n.csv", kept_mark)
        found = read_returned(path, known(study.model_copy(update={"sheets": (sheet,)})))
        assert len(kept(found, sheet)) == 1


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cut=st.integers(0, 4000), noise=st.binary(max_size=30), name=st.sampled_from(["o.csv", "o.json"]))
def test_a_damaged_file_is_answers_and_counted_rejects_or_one_clear_error(study, tmp_path, cut, noise, name):
    sheet = study.sheets[0]
    if name == "o.json":
        whole = json.dumps(page_file(sheet)).encode()
    else:
        whole = saved(tmp_path / "whole.csv", filled(sheet, tmp_path, {"choice": "A"})).read_bytes()
    path = tmp_path / name
    path.write_bytes(whole[:cut] + noise + whole[cut + len(noise) :])
    try:
        found = read_returned(path, known(study))
    except UserError as error:
        assert str(path) in str(error)
        return
    checked = list(usable(found, sheet))
    assert {one.task for one in kept(found, sheet)} <= {task.id for task in sheet.tasks}
    assert all(isinstance(one, (Answer, Rejected)) for one in checked)
