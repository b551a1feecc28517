"""A product's reviews -> its Summary: what buyers praise and fault, in their own words, with counts and sentences."""

from collections import Counter
from collections.abc import Sequence
from math import ceil

from ecom_llm.prepare.words import language_of
from ecom_llm.records import Example, Record
from ecom_llm.skills import review
from ecom_llm.skills.skill import words
from ecom_llm.summarise.chinese import Chinese
from ecom_llm.summarise.english import English
from ecom_llm.summarise.points import Point, Quote, Said, points
from ecom_llm.summarise.polarity import learned
from ecom_llm.summarise.thoughts import thoughts
from ecom_llm.summarise.wording import wording_of

LANGUAGES = {"en": English, "zh": Chinese}
MOST = 6
"""Points of praise, and of blame."""
FEW = 5
"""Reviews from which on a point needs two of them: what one buyer in many says is no point."""
RARE = 100
"""A point needs one review in so many, too."""


class Summary(Record):
    """What the reviews of one product say. Nothing in it is said by nobody: every text is a stretch of a review."""

    product: str
    locale: str
    reviews: int
    stars: dict[int, int]
    """Stars -> reviews that give so many."""
    cited: int
    """Reviews that any point rests on."""
    least: int
    """Reviews that a point needed."""
    praise: tuple[Point, ...]
    faults: tuple[Point, ...]


def stars_of(example: Example) -> int:
    """The stars of a `review` example."""
    return int(example.attributes[words(review.WORDS, example.locale)["stars"]])


class Reader:
    """Reads the reviews of one product by what the shop's reviews in that locale taught it. Equal input, equal output."""

    def __init__(self, examples: Sequence[Example], locale: str) -> None:
        """Learn from `review` examples of one locale, the products' own among them.

        Raises:
            UserError: the locale's language is not known.
        """
        wording_of(locale)
        self.locale = locale
        self.topics = LANGUAGES[language_of(locale)](locale)
        self.topics.learn(example.target for example in examples)
        said = [(one.text, stars_of(example)) for example in examples for one in thoughts(example.target, locale)]
        self.polarity = learned([text for text, _ in said], [stars for _, stars in said], self.topics)

    def said(self, reviews: Sequence[Example]) -> list[Said]:
        """Every thought of the reviews, judged."""
        quotes = [
            Quote(review=example.id, stars=stars_of(example), start=one.start, end=one.end, text=one.text)
            for example in reviews
            for one in thoughts(example.target, self.locale)
        ]
        signs = self.polarity.of([quote.text for quote in quotes], [quote.stars for quote in quotes])
        return [Said(quote, self.topics.of(quote.text), sign) for quote, sign in zip(quotes, signs, strict=True)]

    def summary(self, product: str, reviews: Sequence[Example]) -> Summary:
        """The summary of one product's reviews, of which there is at least one."""
        said = self.said(reviews)
        least = max(2, ceil(len(reviews) / RARE)) if len(reviews) >= FEW else 1
        praise, faults = (self.points([one for one in said if one.sign == sign], least) for sign in (1, -1))
        return Summary(
            product=product,
            locale=self.locale,
            reviews=len(reviews),
            stars=dict(sorted(Counter(map(stars_of, reviews)).items())),
            cited=len({quote.review for point in (*praise, *faults) for quote in point.quotes}),
            least=least,
            praise=praise,
            faults=faults,
        )

    def points(self, said: Sequence[Said], least: int) -> tuple[Point, ...]:
        found = points(said, least, MOST, self.locale)
        return tuple(point.model_copy(update={"about": self.topics.spelt(point.about)}) for point in found)
