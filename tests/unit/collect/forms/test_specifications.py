"""specifications: every Ruby hash that is written is read back, and nothing else is, nor evaluated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.collect.forms import FORMS
from ecom_llm.collect.forms.specifications import attributes_of_hash, parse
from ecom_llm.params import Source
from ecom_llm.records import UserError

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
VALUE = st.recursive(
    st.one_of(TEXT, st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)


def quoted(text):
    """Ruby's `inspect` of a text."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("#", "\\#").replace("\n", "\\n") + '"'


def inspected(value, arrow="=>"):
    """Ruby's `inspect` of a value."""
    if value is None:
        return "nil"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[" + ", ".join(inspected(member, arrow) for member in value) + "]"
    return "{" + ", ".join(f"{quoted(key)}{arrow}{inspected(member, arrow)}" for key, member in value.items()) + "}"


@given(VALUE, st.sampled_from(["=>", " => "]))
def test_what_was_written_is_read_back(value, arrow):
    assert parse(inspected(value, arrow)) == value


@given(VALUE, st.data())
def test_a_literal_cut_short_is_refused(value, data):
    text = inspected(value)
    cut = data.draw(st.integers(0, len(text) - 1))
    if isinstance(value, list | dict):
        with pytest.raises(ValueError, match="expected a Ruby hash"):
            parse(text[:cut])


@given(st.text(st.sampled_from('{}[]=>:,"\\ aunil01.#(`)'), max_size=30))
def test_any_text_is_read_or_refused_in_words(text):
    try:
        found = attributes_of_hash(text)
    except ValueError as error:
        assert "expected a Ruby hash" in str(error)
    else:
        assert all(name and value for name, value in found.items())


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("", {}),
        ('{"product_specification"=>nil}', {}),
        ('{"spec"=>[{"key"=>"Type", "value"=>"Sofa"}, {"value"=>"1 Sofa"}]}', {"Type": "Sofa", "spec": "1 Sofa"}),
        ('{"spec"=>{"key"=>"Type", "value"=>"Ring"}}', {"Type": "Ring"}),
        ('{"s"=>[{"key"=>"Care", "value"=>"A"}, {"key"=>"Care", "value"=>"B"}]}', {"Care": "A; B"}),
        ('{"s"=>[{"key"=>"Width", "value"=>"5\\" \\u00d7 \\u{1F4A1}"}]}', {"Width": '5" × 💡'}),
        ('{:colour=>"red", size: 38, "heel"=>1.5}', {"colour": "red", "size": "38", "heel": "1.5"}),
    ],
)
def test_known_hashes(text, attributes):
    assert attributes_of_hash(text) == attributes


@pytest.mark.parametrize(
    "text",
    [
        "system('ls')",
        '{"a"=>`ls`}',
        '{"a"=>"x"} + {}',
        '{"a"=>}',
        '{"a" "b"}',
        "[1, 2]",
        '{nil=>"x"}',
        "{" * 500,
        "[" * 100_000,
        '{"a"=>"\\u{FFFFFF}"}',
    ],
)
def test_what_is_no_hash_is_refused(text):
    with pytest.raises(ValueError, match="expected a Ruby hash"):
        attributes_of_hash(text)


def test_rows_are_read_with_the_hash_as_attributes(tmp_path):
    place = tmp_path / "shop.csv"
    place.write_text('id,spec\n1,"{""s""=>[{""key""=>""Type"", ""value""=>""Sofa""}]}"\n2,broken\n,\n')
    columns = {"products.id": "id", "products.attributes": "spec"}
    source = Source(form="specifications", path="shop.csv", locale="en", weight=1.0, columns=columns)
    product, broken, empty = FORMS["specifications"](place, source)
    assert product.attributes == {"Type": "Sofa"}
    assert (broken.row, broken.reason) == (3, "spec: expected a Ruby hash, found something else in it")
    assert (empty.row, empty.reason) == (4, "row: empty")


def test_the_column_of_the_hashes_must_be_named(tmp_path):
    (tmp_path / "shop.csv").write_text("id\n1\n")
    source = Source(form="specifications", path="shop.csv", locale="en", weight=1.0, columns={"products.id": "id"})
    with pytest.raises(UserError, match=r"products\.attributes: is missing"):
        list(FORMS["specifications"](tmp_path / "shop.csv", source))
