"""A product's reviews -> its Summary."""

from collections import Counter
from collections.abc import Sequence

from ecom_llm.prepare.words import language_of
from ecom_llm.records import Example, Record
from ecom_llm.skills import review
from ecom_llm.skills.skill import words
from ecom_llm.summarise.chinese import Chinese
from ecom_llm.summarise.english import English
from ecom_llm.summarise.points import Point, Quote, Said, covered, points
from ecom_llm.summarise.polarity import Polarity, learned
from ecom_llm.summarise.thoughts import thoughts

TOPICS = {"en": English, "zh": Chinese}
MOST = 6
FEW = 5


class Summary(Record):
    product: str
    locale: str
    reviews: int
    stars: dict[int, int]
    praise: tuple[Point, ...]
    faults: tuple[Point, ...]
    cited: int


def stars_of(example: Example) -> int:
    return int(example.attributes[words(review.WORDS, example.locale)["stars"]])


class Reader:
    """What is learned from a shop's reviews in one locale, to read those of one product by."""

    def __init__(self, examples: Sequence[Example], locale: str) -> None:
        self.locale = locale
        self.topics = TOPICS[language_of(locale)](locale)
        self.topics.learn(example.target for example in examples)
        said = [(thought.text, stars_of(example)) for example in examples for thought in thoughts(example.target, locale)]
        self.polarity = learned([text for text, _ in said], [stars for _, stars in said], self.topics)

    def summary(self, product: str, reviews: Sequence[Example]) -> Summary:
        quotes = [
            Quote(review=one.id, stars=stars_of(one), start=thought.start, end=thought.end, text=thought.text)
            for one in reviews
            for thought in thoughts(one.target, self.locale)
        ]
        signs = self.polarity.of([quote.text for quote in quotes], [quote.stars for quote in quotes])
        said = [Said(quote, self.topics.of(quote.text), sign) for quote, sign in zip(quotes, signs, strict=True)]
        spelt = {topic: self.topics.spelt(topic) for one in said for topic in one.topics}
        least = 1 if len(reviews) < FEW else 2
        praise, faults = (points(said, sign, least, MOST, spelt, self.locale) for sign in (1, -1))
        return Summary(
            product=product,
            locale=self.locale,
            reviews=len(reviews),
            stars=dict(sorted(Counter(stars_of(one) for one in reviews).items())),
            praise=praise,
            faults=faults,
            cited=len(covered([*praise, *faults])),
        )
