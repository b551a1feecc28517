"""write: a skill, a locale and attributes -> the text as it may be shown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecom_llm.params import Params
from ecom_llm.records import LOCALE, Example, UserError
from ecom_llm.skills import SKILLS, answer, recommend, review, skill_named
from ecom_llm.skills.answer import known
from ecom_llm.skills.skill import Words, words
from ecom_llm.write.decoding import Decoding, decoding_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ecom_llm.train.answering.answerer import Answerer
    from ecom_llm.train.recommender.recommender import Recommender
    from ecom_llm.write.copies import Copies

RECOMMEND, ANSWER, REVIEW = "recommend", "answer", "review"
NEEDED: Mapping[str, tuple[Words, str]] = {RECOMMEND: (recommend.WORDS, "history"), ANSWER: (answer.WORDS, "question")}
"""Skill -> what it cannot write without, and the words by which each locale calls it."""
UNNAMED = "asked"
"""The product of an example that names none."""


@dataclass(frozen=True)
class Writer:
    """A loaded model with its settings for writing."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    decoding: Decoding
    recommender: "Recommender | None" = None
    answerer: "Answerer | None" = None
    copies: "Copies | None" = None

    def write(self, examples: Sequence[Example]) -> list[str]:
        """One text for each example, with the label its skill demands.

        `recommend` gives the title of an item that exists, in a line of its own, and in the next one why. `answer` gives an
        answer and in the next line what it rests on, or says that the shop's texts do not hold it.

        Raises:
            UserError: an item is to be recommended, and the model's folder says of none.
        """
        from ecom_llm.serve.answers import looked_up

        asked = [looked_up(one, self.answerer) for one in examples]
        ways = [self.way(one) for one in asked]
        texts: dict[int, str] = {}
        for way in dict.fromkeys(ways):
            places = [place for place, one in enumerate(ways) if one == way]
            texts |= zip(places, getattr(self, way)([asked[place] for place in places]), strict=True)
        return [texts[place] for place in range(len(asked))]

    def way(self, example: Example) -> str:
        """The name of the method that writes for an example."""
        if example.skill == RECOMMEND:
            return "recommend"
        rests = example.skill == ANSWER and self.answerer is not None and self.decoding.answer_by == "evidence"
        # of a product that is not listed, or that nobody named, the language model knows nothing
        return "quote" if rests and not known(example) else "generate"

    def generate(self, examples: Sequence[Example]) -> list[str]:
        """What the language model writes for each example."""
        from ecom_llm.serve.answers import with_grounds
        from ecom_llm.write.generation import generate_texts

        written = generate_texts(self.model, self.tokenizer, examples, self.decoding, copies=self.copies)
        finished = (SKILLS[one.skill].finish(text, one.locale) for one, text in zip(examples, written, strict=True))
        return [with_grounds(text, one) for one, text in zip(examples, finished, strict=True)]

    def quote(self, examples: Sequence[Example]) -> list[str]:
        """The answer to each example's question from earlier answers about its product."""
        from ecom_llm.evaluate.answering import answered

        told = [self.answerer.known.about(one) for one in examples]
        return [answered(self.answerer, one, own, self.decoding).told for one, own in zip(examples, told, strict=True)]

    def recommend(self, examples: Sequence[Example]) -> list[str]:
        """A title and a reason for each example, by whatever `evaluate.recommend_by` lets rank."""
        from ecom_llm.evaluate.recommending import ranked_titles

        if self.recommender is None:
            raise UserError(
                "recommend: this model does not know which items there are: it was trained without purchases, or before "
                "models kept them. Train it on data with interactions: ecom-llm run"
            )
        if self.decoding.recommend_by == "purchases":
            return [best[0].told for best in self.recommender.recommend(examples, 1)]
        items = self.recommender.items()
        best = ranked_titles(None, self.model, self.tokenizer, examples, items, self.decoding, 1)
        return [self.recommender.because(one, titles[0]).told for one, titles in zip(examples, best, strict=True)]


def load_writer(model_folder: Path, *, device: str, decoding: Decoding) -> Writer:
    """Load a model folder; `device` as in `runtime.device`.

    Raises:
        UserError: the folder holds no model, or the device is not there.
    """
    from ecom_llm.evaluate.loading import load_model, pick_device
    from ecom_llm.train.answering import files as answering
    from ecom_llm.train.recommender import files as recommender
    from ecom_llm.write.copies import load as load_copies

    model, tokenizer = load_model(model_folder, pick_device(device))
    learned = (recommender.load(model_folder), answering.load(model_folder), load_copies(model_folder))
    return Writer(model, tokenizer, decoding, *learned)


def asked(skill: str, locale: str, attributes: dict[str, str]) -> Example:
    """What someone asks for, as an example without a target.

    Raises:
        UserError: there is no such skill or locale, nothing to write about (no attributes, no question, no history), or a
            review is to give other stars than 1 to 5.
    """
    skill_named(skill)
    locale = locale.strip().replace("_", "-")
    if not re.fullmatch(LOCALE, locale):
        raise UserError(f"{skill}: {locale!r} is no language tag. Expected one such as en, zh or zh-TW.")
    if not attributes:
        raise UserError(f"{skill}: there is nothing to write about. Name attributes, such as --attr category=dress.")
    if skill in NEEDED:
        table, needed = NEEDED[skill]
        name = words(table, locale)[needed]
        if name not in attributes:
            told = ", ".join(attributes)
            raise UserError(
                f"{skill}: there is no {name} among what was given ({told}). In {locale} it is --attr {name}=..."
            )
    if skill == REVIEW:
        name = words(review.WORDS, locale)["stars"]
        if name in attributes and attributes[name] not in review.STARS:
            raise UserError(f"{skill}: {name} is {attributes[name]!r}; expected one of {', '.join(review.STARS)}.")
    return Example(
        id=f"{skill}:{locale}:asked",
        skill=skill,
        locale=locale,
        attributes=attributes,
        target="",
        product=UNNAMED,
        group="asked",
        source="asked:1",
    )


def write(model_folder: Path, skill: str, locale: str, attributes: dict[str, str], params: Params) -> str:
    """Write one text with the model in a folder.

    Raises:
        UserError: there is no such skill or model, or nothing to write about.
    """
    example = asked(skill, locale, attributes)  # before the model is loaded: a typing mistake is answered at once
    writer = load_writer(model_folder, device=params.runtime.device, decoding=decoding_of(params.evaluate))
    return writer.write([example])[0]
