"""A Summary as text for people; for programs there is its JSON."""

from collections.abc import Iterator

from ecom_llm.summarise.points import Point
from ecom_llm.summarise.summary import Summary
from ecom_llm.summarise.wording import wording_of

SHOWN = 3
"""Quotes that are shown of each point."""


def shown(summary: Summary) -> str:
    """Heading, then each point with its best quotes: the statement is the first of them."""
    return "\n".join(lines(summary))


def lines(summary: Summary) -> Iterator[str]:
    told = wording_of(summary.locale).told
    stars = told["comma"].join(
        told["star"].format(stars=stars, count=count) for stars, count in reversed(summary.stars.items())
    )
    yield told["head"].format(product=summary.product, reviews=summary.reviews, stars=stars, cited=summary.cited)
    for title, points in ((told["praise"], summary.praise), (told["faults"], summary.faults)):
        yield ""
        yield title
        if not points:
            yield f"  {told['none'].format(least=summary.least)}"
        for point in points:
            yield from point_lines(point, summary)


def point_lines(point: Point, summary: Summary) -> Iterator[str]:
    told = wording_of(summary.locale).told
    yield f"  {told['point'].format(about=point.about, reviews=point.reviews, all=summary.reviews)}"
    for quote in point.quotes[:SHOWN]:
        yield f"      {told['quote'].format(review=quote.review, stars=quote.stars, text=quote.text)}"
    if len(point.quotes) > SHOWN:
        yield f"      {told['more'].format(more=len(point.quotes) - SHOWN)}"
