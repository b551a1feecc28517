"""checks: published examples of each checksum, and one wrong digit is seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.prepare.personal import checks

CARDS = [
    "4111111111111111",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "30569309025904",
    "3530111333300000",
]


@pytest.mark.parametrize("number", CARDS)
def test_published_test_cards_pass_and_any_other_last_digit_fails(number):
    assert checks.card(number)
    assert not any(checks.luhn(number[:-1] + digit) for digit in "0123456789" if digit != number[-1])


def test_luhn_alone_makes_no_card():
    assert checks.luhn("490154203237518") and not checks.card("490154203237518"), "an IMEI"


def test_the_identity_number_of_the_standard():
    # GB 11643-1999, the standard's two examples.
    assert checks.identity("11010519491231002X") and checks.identity("440524188001010014")
    assert checks.identity("11010519491231002x")


@given(st.integers(min_value=0, max_value=16), st.sampled_from("0123456789"))
def test_one_wrong_digit_of_an_identity_number_is_seen(place, digit):
    number = "440524188001010014"
    wrong = number[:place] + digit + number[place + 1 :]
    assert checks.identity(wrong) == (wrong == number)


@pytest.mark.parametrize("number", ["010105194912310028", "110105194913310021", "110105194902300021"])
def test_no_province_and_no_day(number):
    assert not checks.identity_shape(number)


def test_barcodes():
    for number in ("4006381333931", "036000291452", "9783161484100", "96385074", "10614141000415"):
        assert checks.gtin(number)
        assert not checks.gtin(str((int(number[0]) + 1) % 10) + number[1:])
    assert not checks.gtin("4006381333")


def test_the_post_s10_check_digit():
    # Universal Postal Union, S10-12: RB 47312482 has check digit 9.
    assert checks.s10("rb473124829gb") and not checks.s10("rb473124828gb")
