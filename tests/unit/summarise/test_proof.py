"""The proof's own counting, and that it holds on a small shop."""

from ecom_llm.collect.catalogue.items import draw_item
from ecom_llm.collect.catalogue.schema import load_schema
from ecom_llm.summarise.points import Point, Quote
from proofs import summaries
from proofs.summaries import REVIEWS, Reviewed, Score, by_frequency, count, reviewed, scores


def point(about: str, statement: str, review: str = "r") -> Point:
    quote = Quote(review=review, stars=5, start=0, end=len(statement), text=statement)
    return Point(about=about, statement=statement, reviews=1, quotes=(quote,))


def test_what_counts_as_right(monkeypatch):
    item = draw_item(1, summaries.SEED, load_schema())
    made = reviewed(item, "en")
    one = made.reviews[0].model_copy(update={"id": "r", "target": "Its soft fabric is fine."})
    shop = Reviewed(
        [one], {1: made.opinions[1].__class__({"soft fabric": 2}), -1: made.opinions[1].__class__({"steep price": 1})}
    )
    score = Score()
    praise = (point("fabric", "Its soft fabric"), point("soft", "Its soft fabric"), point("hills", "Its soft"))
    count(score, shop, {1: praise, -1: (point("fabric", "soft fabric is fine"),)}, "en")
    assert (score.points, score.right, score.agreeing, score.wrong) == (4, 1, 2, 1)
    assert (score.told, score.owed) == (1, 1)  # one buyer's opinion is not owed
    assert (score.quotes, score.grounded) == (4, 3)  # the last stands elsewhere in the text


def test_reviews_state_the_opinions_that_are_counted():
    made = reviewed(draw_item(3, summaries.SEED, load_schema()), "zh")
    assert len(made.reviews) == REVIEWS
    for side in summaries.SIDES:
        for opinion, number in made.opinions[side].items():
            assert sum(opinion in one.target for one in made.reviews) >= number
    assert by_frequency(made.reviews, "zh")[1]


def test_it_holds_and_beats_the_baseline_in_a_small_shop():
    for locale in ("en", "zh"):
        ours, theirs = (score.shares() for _, score in scores(locale, 20))
        assert ours["groundedness"] == 1
        assert ours["polarity_agreement"] >= 0.9
        assert ours["coverage"] >= 0.7
        assert ours["polarity_agreement"] >= theirs["polarity_agreement"] - 0.02
