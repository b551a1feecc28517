"""collect.location: which addresses are read, and which are refused before anyone writes them down."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.params import load_params, validate
from ecom_llm.params.location import (
    bare_address,
    file_name,
    is_address,
    masked,
    masked_address,
    require_readable_kind,
)
from ecom_llm.records import UserError
from flows.overrides import chosen_params
from tests.unit.collect.test_addresses import REPO

SECRETS = [
    "https://shop:sesame@example.org/rows.csv",
    "https://sesame@example.org/rows.csv",
    "https://shop:ses/ame@example.org/rows.csv",
    "s3://KEY:sesame@bucket/folder",
    "https://example.org/rows.csv?token=sesame",
    "https://example.org/rows.csv?format=csv&X-Amz-Signature=0a1b2c",
    "https://example.org/rows.csv?sesame",
    "https://example.org/rows.csv?k=s3s4m3",
    "https://example.org/rows.csv?version=a8f5f167f44f4964e6c998dee827110c",
    "https://example.org/rows.csv?x=%73esame",
    "ftp://shop:sesame@example.org/rows.csv",
]


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/a/rows.csv.gz",
        "http://127.0.0.1:8000/rows.csv",
        "http://[::1]:8000/rows.csv",
        "https://example.org/export?format=csv&gid=0&since=2026-11-22",
        "https://cdn.example.org/npm/rows@1.2/rows.csv",
        "s3://bucket/My Folder/rows@2.csv",
        "s3://bucket",
        "gs://bucket/folder",
        "azure://container/folder",
    ],
)
def test_addresses_that_tell_no_secret_are_taken(address):
    require_readable_kind(address)


@pytest.mark.parametrize("address", SECRETS)
def test_an_address_that_may_tell_a_secret_is_refused_without_repeating_it(address):
    values = load_params(REPO / "params.yaml").model_dump(mode="json")
    values["collect"]["location"] = address
    with pytest.raises(UserError, match=r"here: collect.location: .* environment") as told:
        validate(values, "here")
    words = "".join(traceback.format_exception(told.value))  # with its causes, as a log prints them
    assert not any(part in words for part in ("sesame", "ame@", "s3s4m3", "0a1b2c", "a8f5f167")), words


@pytest.mark.parametrize("setting", ["collect.location={}", "nothing={}", "collect={{location: '{}', nothing: 1}}"])
def test_no_mistake_beside_it_repeats_the_secret(setting):
    with pytest.raises(UserError) as told:
        chosen_params(REPO / "params.yaml", None, [setting.format(SECRETS[0])])
    assert "sesame" not in str(told.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ftp://example.org/rows.csv", "addresses of this kind are not read. Expected a path"),
        ("file:///rows.csv", "addresses of this kind are not read"),
        ("s3:///folder", "names no bucket"),
        ("https:///rows.csv", "names no host"),
        ("https://example.org:port/rows.csv", "names no host"),
        ("https://example.org/my rows.csv", "a space is %20"),
        ("https://example.org/rows.csv#part", "holds '#'"),
        ("s3://bucket/what?.csv", "."),
        ("s3://bucket/a\nb", "holds"),
    ],
)
def test_other_addresses_are_refused_with_what_is_wrong(address, said):
    with pytest.raises(UserError, match=said):
        require_readable_kind(address)


@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_is_an_address_is_taken_or_refused_in_words(host, rest):
    for address in (f"https://{host}/{rest}", f"s3://{host}{rest}", f"{host}://{rest}"):
        if is_address(address):
            try:
                require_readable_kind(address)
            except UserError as error:
                assert str(error)


@given(st.from_regex(r"[a-zA-Z0-9]{8,20}", fullmatch=True))
def test_a_password_is_masked_in_every_text(password):
    for text in (f"see https://u:{password}@host/x and", f"(s3://{password}@b)", f"at 'http://h/x?sig={password}': no"):
        assert password not in masked(text)


@pytest.mark.parametrize(
    ("address", "shown", "bare"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://shop:sesame@host:5000/api", "http://***@host:5000/api", "http://host:5000/api"),
        ("postgresql://shop:ses/a@m?e@host/db", "postgresql://***", "postgresql://***"),
        ("postgresql://shop:ses/a@me@host/db", "postgresql://***@host/db", "postgresql://host/db"),
        ("mysql://host/db?user=shop&password=sesame", "mysql://host/db?***", "mysql://host/db"),
        ("postgresql://host/db?sslmode=require", "postgresql://host/db?sslmode=require", "postgresql://host/db"),
        (
            "sqlite:////home/ann@shop/mlflow.db",
            "sqlite:////home/ann@shop/mlflow.db",
            "sqlite:////home/ann@shop/mlflow.db",
        ),
        ("databricks", "databricks", "databricks"),
        ("", "", ""),
    ],
)
def test_a_server_is_shown_and_asked_without_its_password(address, shown, bare):
    assert masked_address(address) == masked_address(shown) == shown
    assert bare_address(address) == bare


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), max_size=12))
def test_no_password_of_a_server_is_shown_whatever_it_holds(middle):
    password = f"7Qx{middle}x7Q"
    for address in (f"postgresql://shop:{password}@host:5432/db", f"mysql://host/db?password={password}"):
        shown = masked_address(address)
        assert "7Qx" not in shown and "x7Q" not in shown
        assert masked_address(shown) == shown


def test_the_file_of_an_address_has_its_name():
    assert file_name("https://example.org/a/My%20rows.csv?format=csv") == "My rows.csv"
    assert file_name("https://example.org/a%2Frows.csv") == "rows.csv"
    assert file_name("https://example.org/a/") == file_name("https://example.org") == ""
    assert file_name("https://example.org/%2E%2E") == ""
