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


@dataclass(frozen=True)
class Writer:
    """A loaded model with its settings for writing."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    decoding: Decoding

    def write(self, examples: Sequence[Example]) -> list[str]:
        """One text for each example, with the label its skill demands.

        `recommend` writes the title it holds likeliest: unlike evaluation, which ranks the items there are, a served
        model has no list of items at hand, so the title need not be one of the shop's.
        """
        from ecom_llm.evaluate.sampling import written_texts

        texts = written_texts(self.model, self.tokenizer, examples, self.decoding)
        return [SKILLS[one.skill].finish(best[0], one.locale) for one, best in zip(examples, texts, strict=True)]


def load_writer(model_folder: Path, *, device: str, decoding: Decoding) -> Writer:
    """Load a model folder; `device` as in `runtime.device`.

    Raises:
        UserError: the folder holds no model, or the device is not there.
    """
    from ecom_llm.evaluate.loading import load_model, pick_device

    model, tokenizer = load_model(model_folder, pick_device(device))
    return Writer(model, tokenizer, decoding)


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
