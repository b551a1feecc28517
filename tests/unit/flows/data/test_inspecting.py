"""`ecom-llm inspect`: what it prints fits, shows no personal data and commands no terminal; what it writes is a recipe."""

import csv
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from ecom_llm.collect.inspect import SAMPLE_ROWS, inspect
from ecom_llm.layout import Layout
from ecom_llm.params import Source
from ecom_llm.records import UserError
from flows.data.inspecting import WIDEST, cut, inspected, recipe_name, show, terminal
from flows.data.recipe import placed, recipe_text, require_free, source_lines, write_recipe
from flows.overrides import chosen_params

REPO = Path(__file__).parents[4]
PARAMS = REPO / "params.yaml"
DATA = REPO.parent / "shared" / "data"
PROSE = "The fabric is soft, it fits well and I would buy it again"
HEADER = ["sku", "rating", "review text", "reviewer name", "Class Name"]
SECRETS = ("Jane Doe", "jane@example.com", "13812345678", "4111 1111")


def shop(folder, name="reviews.csv", encoding="utf-8"):
    folder.mkdir(parents=True, exist_ok=True)
    asides = ["", "write to jane@example.com", "call 13812345678", "my card is 4111 1111 1111 1111"]
    rows = [
        [f"S{at % 4}", 1 + at % 5, f"{asides[at % 4]} {PROSE} {at}", "Jane Doe", ["Knits", "Dresses"][at % 2]]
        for at in range(40)
    ]
    with (folder / name).open("w", newline="", encoding=encoding) as handle:
        csv.writer(handle).writerows([HEADER, *rows])
    return folder / name


def printed(place, capsys, locale=None):
    show(inspect(place, SAMPLE_ROWS, locale), terminal(), hint=True)
    return capsys.readouterr().out


def test_a_file_is_shown_with_everything_that_was_understood(tmp_path, capsys):
    text = printed(shop(tmp_path), capsys)
    assert "reviews.csv  CSV · UTF-8 · separated by commas" in text
    assert "all 40 rows looked at" in text
    for words in ("Columns", "Rows", "Problems", "form mapped, path reviews.csv", "locale en  (assumed"):
        assert words in text
    assert "reviews.stars" in text and "<- rating" in text
    assert "tried: 40 products (4 different), 40 reviews; 0 rejected" in text
    assert "teaches: review" in text
    assert f"ecom-llm inspect {tmp_path / 'reviews.csv'} --write recipes/reviews.yaml" in text


def test_the_encoding_is_said_plainly(tmp_path, capsys):
    row = {"content": "类型#裙*颜色#红", "summary": "一款红色的连衣裙，时尚百搭，上身舒适显瘦，夏天必备单品。"}
    (tmp_path / "train.json").write_text((json.dumps(row, ensure_ascii=False) + "\n") * 5, encoding="gb18030")
    text = printed(tmp_path, capsys)
    assert "JSON lines · GB18030" in text
    assert "locale zh" in text


def test_personal_data_is_counted_and_never_shown(tmp_path, capsys):
    text = printed(shop(tmp_path), capsys)
    assert not [secret for secret in SECRETS if secret in text]
    assert "[hidden]" in text and "[e-mail address]" in text
    for kind in ("e-mail address", "phone number", "bank card", "by its name"):
        assert f"likely personal data ({kind})" in text


def test_lines_fit_and_are_plain_where_the_output_is_no_terminal(tmp_path, capsys):
    rows = [
        {"商品编号": f"货{at % 3}", "评论": "这件衣服质量很好，穿着舒适" * 9, "评分": 1 + at % 5} for at in range(9)
    ]
    (tmp_path / "评论.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    lines = printed(tmp_path, capsys).splitlines()
    assert "\x1b" not in "".join(lines)
    assert max(cell_len(line) for line in lines if "ecom-llm inspect" not in line) <= 100
    assert [line for line in lines if line != line.rstrip()] == []
    assert [line for line in lines if line.endswith("…")], "what is longer is cut, and seen to be"


def test_a_terminal_gets_colours_and_its_own_width(tmp_path, capsys):
    found = inspect(shop(tmp_path), SAMPLE_ROWS, None)
    show(found, Console(force_terminal=True, color_system="standard", width=80, markup=False), hint=False)
    assert "\x1b[1" in capsys.readouterr().out


def test_a_file_cannot_command_the_terminal(tmp_path, capsys):
    row = {"id": "1", "title": "a\x1b[2Jlamp [red]x[/red]", "na\x1bme\u202e": "\x07 and more"}
    (tmp_path / "some.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({**row, "id": "2"}) + "\n")
    text = printed(tmp_path, capsys)
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "[red]x[/red]" in text, "and what looks like markup is only text"


def test_what_cannot_be_read_is_said_beside_what_can(tmp_path, capsys):
    shop(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    text = printed(tmp_path, capsys)
    assert "empty.csv  not used:" in text
    assert "form mapped, path reviews.csv" in text


def test_nothing_understood_is_said_and_gives_no_recipe(tmp_path, capsys):
    (tmp_path / "some.csv").write_text("a,b\n1,2\n3,4\n")
    text = printed(tmp_path, capsys)
    assert "Nothing was understood well enough" in text
    with pytest.raises(UserError, match="nothing was understood that a model could learn from"):
        recipe_text(inspect(tmp_path, SAMPLE_ROWS, None), tmp_path / "my.yaml", REPO / "data" / "sources")


def layout():
    return Layout.here(REPO)


def test_the_recipe_validates_and_reads_what_was_inspected(tmp_path, capsys):
    recipe = tmp_path / "my-shop.yaml"
    inspected(str(shop(tmp_path / "data")), None, None, recipe, layout)
    assert f"ecom-llm run --recipe {recipe}" in capsys.readouterr().out
    params = chosen_params(PARAMS, recipe, ())
    (source,) = params.collect.sources
    assert (source.form, source.path, source.locale, source.weight) == ("mapped", "reviews.csv", "en", 1.0)
    assert source.columns["reviews.text"] == "review text"
    assert params.collect.location == str(tmp_path / "data")
    assert params.registry.model_name == "ecom-llm-my-shop"
    rules = (*params.promote.thresholds, *params.promote.regressions)
    assert {rule.skill for rule in rules} == {"review"}, "a rule that matches no slice would refuse every model"


@pytest.mark.skipif(not DATA.is_dir(), reason="the published data sets are not beside the checkout (../shared/data)")
@pytest.mark.parametrize("name", ["advertisegen", "flipkart-sample", "groceries", "jddc-sample"])
def test_recipes_of_published_data_validate(name, tmp_path):
    recipe = tmp_path / f"{name}.yaml"
    write_recipe(inspect(DATA / name, SAMPLE_ROWS, None), recipe, PARAMS, REPO / "data" / "sources")
    chosen_params(PARAMS, recipe, ())


def test_an_existing_recipe_is_not_overwritten(tmp_path, capsys):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("kept")
    with pytest.raises(UserError, match=r"mine\.yaml: is there already, and is not overwritten"):
        inspected(str(shop(tmp_path / "data")), None, None, recipe, layout)
    assert recipe.read_text() == "kept"
    assert capsys.readouterr().out == "", "refused before anything is read"


@pytest.mark.parametrize("name", ["mine.json", "my shop.yaml", "nowhere/mine.yaml"])
def test_a_name_that_is_none_for_a_recipe_is_refused(tmp_path, name):
    with pytest.raises(UserError, match=r"--write .*: (expected a name|there is no folder)"):
        require_free(tmp_path / name)


def test_names_of_files_and_columns_cannot_break_out_of_the_yaml(tmp_path):
    folder = tmp_path / "a\nregistry: {model_name: stolen}\n#"
    rows = [{"sku": f"S{at}", "title": f"Lamp {at}", "a: b\n- c": "red" if at % 2 else "blue"} for at in range(8)]
    folder.mkdir()
    (folder / "x: y #.jsonl").write_text("".join(json.dumps({**row, "description": PROSE}) + "\n" for row in rows))
    rows_only = inspect(folder, SAMPLE_ROWS, None)
    text = recipe_text(rows_only, tmp_path / "mine.yaml", REPO / "data" / "sources")
    values = yaml.safe_load(text)
    assert values["registry"] == {"model_name": "ecom-llm-mine"}
    assert values["collect"]["location"] == str(folder)
    assert values["collect"]["sources"][0]["path"] == "x: y #.jsonl"


NAMES = st.text(min_size=1, max_size=30).filter(str.strip)


@example({"a" * 200: "b" * 2000, "c\n- d": "e\n\nf", "=": "no", "\x85": "\u2028"}, "1e3")
@given(st.dictionaries(NAMES, NAMES, min_size=1, max_size=4), NAMES)
def test_any_names_come_back_from_the_yaml(columns, path):
    source = Source(form="mapped", path=path, locale="en", weight=0.5, columns=columns)
    (found,) = yaml.safe_load("sources:\n" + "\n".join(source_lines(source, Path())))["sources"]
    assert found == {**source.model_dump(), "path": Path(path).as_posix()}


def test_managed_data_is_named_as_every_snapshot_finds_it(tmp_path):
    sources = tmp_path / "checkout" / "data" / "sources"
    assert placed(sources, sources) == ("data/sources", Path())
    assert placed(sources / "mine", sources) == ("data/sources", Path("mine"))
    assert placed(tmp_path / "mine", sources) == (str(tmp_path / "mine"), Path())
    shop(sources / "mine")
    text = recipe_text(inspect(sources / "mine", SAMPLE_ROWS, None), tmp_path / "my.yaml", sources)
    collect = yaml.safe_load(text)["collect"]
    assert (collect["location"], collect["sources"][0]["path"]) == ("data/sources", "mine/reviews.csv")


def test_coverage_is_asked_for_only_as_far_as_people_state_it(tmp_path):
    rows = [
        [f"P{at}", f"Lamp {at}", c, f"A {c} lamp for your living room", s]
        for at, (c, s) in enumerate([("red", "xl")] * 5)
    ]
    rows += [
        [f"Q{at}", f"Lamp {at}", c, f"A {c} lamp for your living room", s]
        for at, (c, s) in enumerate([("blue", "room")] * 5)
    ]
    with (tmp_path / "some.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([["sku", "title", "colour", "description", "size"], *rows])
    found = inspect(tmp_path, SAMPLE_ROWS, None)
    assert found.proposals[0][1].stated == 0.75
    promote = yaml.safe_load(recipe_text(found, tmp_path / "my.yaml", REPO / "data" / "sources"))["promote"]
    assert [(rule["metric"], rule["threshold"]) for rule in promote["thresholds"]] == [
        ("attribute_coverage", 0.6),
        ("unsupported_rate", 0.2),
    ]


@pytest.mark.parametrize(
    ("text", "width", "shown"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("连衣裙", 5, "连衣…"), ("", 3, "")]
)
def test_cut_counts_cells(text, width, shown):
    assert cut(text, width) == shown
    assert cell_len(cut(text, width)) <= width <= WIDEST


@pytest.mark.parametrize(
    ("name", "recipe"),
    [("qa_Appliances.json.gz", "qa-appliances"), ("My Shop.csv", "my-shop"), ("评论.csv", "评论"), ("--", "shop")],
)
def test_the_proposed_name_of_a_recipe(name, recipe):
    assert recipe_name(Path(name)) == recipe
