"""split: groups stay whole, and new products move no other."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.params import Prepare, load_params
from ecom_llm.prepare.split import capped, drawn_split, given_splits
from ecom_llm.records import Product, UserError

DEFAULT = load_params(Path(__file__).parents[3] / "params.yaml").prepare
GROUPS = [f"P{number}" for number in range(4000)]


def with_shares(validation=0.1, test=0.1, seed=1):
    values = DEFAULT.model_dump() | {"seed": seed, "validation_share": validation, "test_share": test}
    return Prepare.model_validate(values)


def product(row, split, name="P1", locale="en"):
    return Product(source="p.csv", row=row, id=name, locale=locale, title="", attributes={}, split=split)


def test_shares_are_kept_and_the_seed_matters():
    drawn = [drawn_split(group, with_shares()) for group in GROUPS]
    # 5 standard deviations of a binomial with n = 4000, p = 0.1
    assert abs(drawn.count("test") - 400) < 95 and abs(drawn.count("validation") - 400) < 95
    other = [drawn_split(group, with_shares(seed=2)) for group in GROUPS]
    assert 0.5 < sum(a == b for a, b in zip(drawn, other, strict=True)) / len(GROUPS) < 0.75


def test_the_draw_is_the_same_on_every_machine():
    # second letters: tRain, vAlidation, tEst
    assert "".join(drawn_split(group, with_shares(0.3, 0.3))[1] for group in GROUPS[:24]) == "eaeerrerrarrrearrarraera"


@given(st.text(max_size=20), st.floats(0.01, 0.4), st.floats(0.01, 0.4))
def test_more_validation_moves_no_test_group(group, validation, test):
    small, large = with_shares(validation / 2, test), with_shares(validation, test)
    assert (drawn_split(group, small) == "test") == (drawn_split(group, large) == "test")


@given(st.integers(1, 10**9), st.integers(1, 10**6), st.floats(0.01, 0.49))
def test_no_more_rows_are_held_out_than_allowed(rows, most, share):
    params = with_shares(share, 0.1).model_copy(update={"max_held_out": most})
    shares = capped(params, rows)
    for name in ("validation_share", "test_share"):
        assert getattr(shares, name) == min(getattr(params, name), most / rows)


def test_a_smaller_share_is_said(caplog):
    caplog.set_level("INFO")
    capped(with_shares().model_copy(update={"max_held_out": 50}), 400)
    assert not caplog.messages
    capped(with_shares().model_copy(update={"max_held_out": 50}), 1000)
    assert caplog.messages == [
        f"prepare.{name} is 0.0500 here and not 0.1: prepare.max_held_out allows 50 of 1,000 rows"
        for name in ("validation_share", "test_share")
    ]


def test_a_given_split_holds_for_a_product_in_all_locales():
    products = [product(2, None), product(3, "test", locale="zh"), product(4, "train", "P2"), product(5, None, "P3")]
    assert given_splits(products) == {"P1": "test", "P2": "train"}


def test_a_product_with_two_given_splits_is_refused_with_both_rows():
    with pytest.raises(
        UserError, match=r"p\.csv:9: product 'P1' has the split test, but train at p\.csv:3.*same in both"
    ):
        given_splits([product(3, "train"), product(9, "test", locale="zh")])
