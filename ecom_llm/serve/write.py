"""write: a skill, a locale and attributes -> the text as it may be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecom_llm.evaluate.decoding import Decoding, decoding_of
from ecom_llm.params import Params
from ecom_llm.records import Example, UserError
from ecom_llm.skills import SKILLS, skill_named

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ecom_llm.train.copies import Copies
    from ecom_llm.train.recommender.recommender import Recommender

RECOMMEND = "recommend"


@dataclass(frozen=True)
class Writer:
    """A loaded model with its settings for writing."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    decoding: Decoding
    recommender: "Recommender | None" = None
    copies: "Copies | None" = None

    def write(self, examples: Sequence[Example]) -> list[str]:
        """One text for each example, with the label its skill demands.

        `recommend` gives the title of an item that exists, in a line of its own, and in the next one why.

        Raises:
            UserError: an item is to be recommended, and the model's folder says of none.
        """
        from ecom_llm.evaluate.generation import generate_texts

        chosen = [one for one in examples if one.skill == RECOMMEND]
        others = [one for one in examples if one.skill != RECOMMEND]
        written = (
            generate_texts(self.model, self.tokenizer, others, self.decoding, copies=self.copies) if others else []
        )
        finished = [SKILLS[one.skill].finish(text, one.locale) for one, text in zip(others, written, strict=True)]
        texts, titles = iter(finished), iter(self.recommend(chosen) if chosen else [])
        return [next(titles if one.skill == RECOMMEND else texts) for one in examples]

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
    from ecom_llm.train.copies import load as load_copies
    from ecom_llm.train.recommender.files import load

    model, tokenizer = load_model(model_folder, pick_device(device))
    return Writer(model, tokenizer, decoding, load(model_folder), load_copies(model_folder))


def asked(skill: str, locale: str, attributes: dict[str, str]) -> Example:
    """What someone asks for, as an example without a target.

    Raises:
        UserError: there is no such skill, or nothing to write about.
    """
    skill_named(skill)
    if not attributes:
        raise UserError(f"{skill}: there is nothing to write about. Name attributes, such as --attr category=dress.")
    return Example(
        id=f"{skill}:{locale}:asked",
        skill=skill,
        locale=locale,
        attributes=attributes,
        target="",
        product="asked",
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
