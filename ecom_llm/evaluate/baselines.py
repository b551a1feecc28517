"""What a shop has without a model: the nearest product's text, a fixed template, its search, and whatever sells best."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sklearn.feature_extraction.text import TfidfVectorizer

from ecom_llm.evaluate.bm25 import build_index
from ecom_llm.evaluate.matching import members
from ecom_llm.evaluate.metrics import units
from ecom_llm.records import LIST_SEPARATOR, Example
from ecom_llm.skills import SKILLS, recommend
from ecom_llm.skills.answer import question
from ecom_llm.skills.skill import words
from ecom_llm.train.answering.evidence import Told

CHUNK = 256
"""Examples compared at once: bounds the dense table of similarities."""


def terms(example: Example) -> list[str]:
    """What two prompts are compared by: each attribute with its value as one term, and the words within."""
    found = []
    for name, value in example.attributes.items():
        found += [f"{name}={member}" for member in members(value)]
        found += units(value, example.locale)
    return found


def by_skill_and_locale(examples: Iterable[Example]) -> dict[tuple[str, str], list[Example]]:
    """The examples of each skill and locale, in order."""
    found: dict[tuple[str, str], list[Example]] = defaultdict(list)
    for example in examples:
        found[example.skill, example.locale].append(example)
    return dict(found)


def nearest_neighbours(examples: Sequence[Example], training: Sequence[Example]) -> list[str]:
    """The target of the training example whose prompt is most like each example's; the first one where several tie.

    Cosine of TF-IDF vectors over `terms` (Salton & Buckley 1988); both lists are of one skill and locale.
    """
    if not any(map(terms, training)):
        return [training[0].target] * len(examples)
    vectorizer = TfidfVectorizer(analyzer=terms, sublinear_tf=True)
    known = vectorizer.fit_transform(training).T.tocsr()
    found: list[str] = []
    for start in range(0, len(examples), CHUNK):
        likeness = vectorizer.transform(examples[start : start + CHUNK]) @ known
        found += [training[row].target for row in likeness.toarray().argmax(axis=1)]
    return found


def history(example: Example) -> list[str]:
    """The titles a `recommend` example's shopper bought, in order."""
    return example.attributes.get(words(recommend.WORDS, example.locale)["history"], "").split(LIST_SEPARATOR)


def found_answers(
    examples: Sequence[Example], training: Sequence[Example], earlier: Mapping[str, Sequence[Told]] | None = None
) -> list[str]:
    """The answer to the question nearest to each example's by BM25; the first one where several tie.

    Among the earlier questions about the same product, read with their answers, where there are any (`earlier`, by the
    example's id); else among training's about it, else among all of training. All are of one locale.
    """
    earlier = earlier or {}
    told = {one.id: one for example in examples for one in earlier.get(example.id, ())}
    place = {name: row for row, name in enumerate(told)}
    said = build_index([f"{one.question}\n{one.answer}" for one in told.values()], training[0].locale)
    answers = [one.answer for one in told.values()]
    index = build_index([question(example) for example in training], training[0].locale)
    about: dict[str, list[int]] = defaultdict(list)
    for row, example in enumerate(training):
        about[example.product].append(row)
    found = []
    for example in examples:
        rows = sorted(place[one.id] for one in earlier.get(example.id, ()))
        if rows:
            found.append(answers[said.best(question(example), 1, rows)[0]])
        else:
            found.append(training[index.best(question(example), 1, about.get(example.product))[0]].target)
    return found


def similar_titles(examples: Sequence[Example], titles: Sequence[str], top: int) -> list[list[str]]:
    """The `top` titles nearest by BM25 to those in each example's history, best first; all of one locale.

    Titles in a shopper's history stay in, as they do in the model's ranking.
    """
    index = build_index(titles, examples[0].locale)
    return [[titles[row] for row in index.best("\n".join(history(example)), top)] for example in examples]


def templates(examples: Iterable[Example]) -> list[str]:
    """The fixed template of each example's skill, filled in."""
    return [SKILLS[example.skill].template(example) for example in examples]


def popularity(training: Iterable[Example], top: int) -> list[str]:
    """The `top` titles most often bought in training, ties in alphabetical order; the same list for every shopper.

    Titles in a shopper's history stay in, as they do in the model's ranking.
    """
    counts = Counter(example.target for example in training)
    return sorted(counts, key=lambda title: (-counts[title], title))[:top]
