"""What is asked for and a folder of prepared examples -> the Summary of a product, checked against its reviews."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ecom_llm.records import Example
from ecom_llm.summarise.reviews import asked_product, find_reviews
from ecom_llm.summarise.summary import Reader, Summary
from ecom_llm.summarise.wording import wording_of


def summarise(prepared: Path, attributes: Mapping[str, str], locale: str) -> Summary:
    """The summary of one product in one locale.

    Raises:
        UserError: the product, its reviews or the locale's language are unknown.
    """
    wording_of(locale)
    product = asked_product(attributes)
    found = find_reviews(prepared, product, locale)
    summary = Reader(found.lesson(), locale).summary(product, found.own)
    check(summary, found.own)
    return summary


def check(summary: Summary, reviews: Sequence[Example]) -> None:
    """Hold every text of a summary against the reviews it cites: what is shown was looked up, and not only meant to be true.

    Raises:
        AssertionError: a text is not what its review says; names the first.
    """
    texts = {example.id: example.target for example in reviews}
    for point in (*summary.praise, *summary.faults):
        for quote in point.quotes:
            if texts.get(quote.review, "")[quote.start : quote.end] != quote.text:
                raise AssertionError(f"{quote.review} does not say {quote.text!r} at {quote.start}")
        if point.statement != point.quotes[0].text or point.reviews != len({quote.review for quote in point.quotes}):
            raise AssertionError(f"{point.about}: statement and count are not those of the quotes")
