"""Which purchases examples may be made from."""

from ecom_llm.prepare.ledger import Ledger, origin_of
from ecom_llm.prepare.sift import UNASKED, UNTITLED, sift_purchases
from ecom_llm.records import Interaction


def window(shopper: str, products: str, split: str | None) -> list[Interaction]:
    """A published window: the last purchase is to be predicted, the others are history."""
    return [
        Interaction(
            source="test.csv",
            row=int(shopper),
            shopper=shopper,
            locale="en",
            product=product,
            position=place,
            split=split if place == len(products) - 1 else None,
        )
        for place, product in enumerate(products)
    ]


def test_a_window_whose_target_is_no_item_is_not_learned_from_as_a_history():
    """Without its mark it would go to any split, and a window of the test split holds what that user's others ask."""
    whole, unasked, unmarked = window("1", "ab", "test"), window("2", "abx", "test"), window("3", "abx", None)
    known, titles = {(name, "en") for name in "abx"}, {("a", "en"): "A", ("b", "en"): "B"}
    ledger = Ledger()
    assert sift_purchases([*whole, *unasked, *unmarked], known, titles, ledger) == [*whole, *unmarked[:2]]
    reasons = [ledger.fates[origin_of("interactions", row)].reason for row in unasked]
    assert reasons == [UNASKED, UNASKED, UNTITLED]
