"""Examples -> token ids, through the chat template saved with the model; training, evaluation and serving share it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecom_llm.records import Example
from ecom_llm.skills import SKILLS
from ecom_llm.skills.slots import EVERY, SLOT, Slotting, fill_slots, open_slots, shown_with_slots, slots_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


TOLD = {"enable_thinking": False, "date_string": "01 Jan 2025"}
"""What templates are told beside the messages. Thinking is off: Qwen3's then ends the prompt with the empty thoughts that
it puts in front of every answer, which otherwise are learned, and written, as part of the text. And the day that Llama 3's
write into every prompt is always the same: with today's, a model would be asked other prompts than it was trained on."""


@dataclass(frozen=True)
class Encoded:
    """Token ids of one example: the prompt, up to where the assistant speaks, and the completion with its end."""

    prompt: list[int]
    completion: list[int]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.completion)


def slotting_of(tokenizer: "PreTrainedTokenizerBase") -> Slotting | None:
    """How the model behind this tokenizer reads and writes slots, saved with it as the chat template is; None: it does not."""
    saved = tokenizer.init_kwargs.get("slots", False)
    if saved is True:  # models of before 2026-12 know every slot, and spell those that are no token
        return EVERY
    if not saved:
        return None
    read = getattr(tokenizer, "_read_slotting", (None, None))
    if read[0] is not saved:  # what was learned of questions is many numbers, and a text is written in milliseconds
        tokenizer._read_slotting = read = (saved, Slotting.model_validate(saved))
    return read[1]


def with_slots(example: Example, slotting: Slotting, learned: bool = False) -> Example:
    """The example as a model with slots reads and writes it.

    Where it is `learned` from and the model reads marks, the prompt marks what the target states; else the target is not read
    for the prompt, and all that can be stated is asked for.
    """
    skill = SKILLS[example.skill]
    slotted = sayable(example, slotting)
    target = open_slots(example.target, slotted, slotting)
    marked = frozenset(SLOT.findall(target)) if slotting.marks and learned else None
    shown = shown_with_slots(skill.narrowed(example, slotting.asking).attributes, slotted, slotting, marked)
    return example.model_copy(update={"attributes": shown, "target": target})


def sayable(example: Example, slotting: Slotting) -> dict[str, str]:
    """Name -> value of what may stand in a text for this example: all its attributes, and what its listing was asked for and lacks."""
    skill = SKILLS[example.skill]
    # what the prompt shows comes first: of two attributes with one value, the text states the one that was asked for
    return {**skill.slots(skill.narrowed(example, slotting.asking)), **skill.slots(example)}


def own_slots(example: Example, slotting: Slotting) -> dict[str, str]:
    """Slot -> value of what a text for this example may state: what its prompt shows."""
    skill = SKILLS[example.skill]
    return slots_of(skill.slots(skill.narrowed(example, slotting.asking)))


def shown_text(text: str, example: Example, slotting: Slotting | None) -> str:
    """What the model wrote, as people read it."""
    return fill_slots(text, sayable(example, slotting), slotting) if slotting else text


def turns(tokenizer: "PreTrainedTokenizerBase", question: str, answer: str) -> tuple[str, str]:
    """The prompt and the completion as the chat template writes them, the completion up to its end-of-text.

    The two are rendered together and then parted: a template that closes the assistant's turn adds its end there.

    Raises:
        ValueError: the template does not write the prompt the same way once an answer follows.
    """
    messages = [{"role": "user", "content": question}]
    answered = [*messages, {"role": "assistant", "content": answer}]
    prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **TOLD)
    whole = tokenizer.apply_chat_template(answered, tokenize=False, **TOLD)
    if not whole.startswith(prompt):
        raise ValueError("the tokenizer's chat template writes a prompt differently once an answer follows it")
    completion = whole.removeprefix(prompt)
    # the line break that many templates write after a turn: nothing is generated behind the end
    spoken, end, after = completion.rpartition(tokenizer.eos_token)
    return prompt, completion if after.strip() else spoken + end


def render(
    example: Example, tokenizer: "PreTrainedTokenizerBase", slotting: Slotting | None, learned: bool = False
) -> tuple[str, str]:
    """The prompt and the completion of an example, as text; raises as `turns` does. `learned`: see `with_slots`."""
    shown = with_slots(example, slotting, learned) if slotting else example
    return turns(tokenizer, SKILLS[example.skill].prompt(shown), shown.target)


def encode_targets(examples: Iterable[Example], tokenizer: "PreTrainedTokenizerBase") -> list[Encoded]:
    """What a masked model reads: the targets alone, each between the special tokens that frame a text.

    The prompts stay out. An encoder is asked about a shop's texts as they stand in the shop, without the words with
    which a model would be asked to write them.
    """
    targets = [example.target for example in examples]
    return [Encoded([], ids) for ids in tokenizer(targets)["input_ids"]] if targets else []


def encode(examples: Iterable[Example], tokenizer: "PreTrainedTokenizerBase", learned: bool = False) -> list[Encoded]:
    """Tokenise examples; prompt and completion apart, so that the boundary is the same with and without an answer.

    `learned`: whether training reads them; see `with_slots`.
    """
    slotting = slotting_of(tokenizer)
    pairs = [render(example, tokenizer, slotting, learned) for example in examples]
    if not pairs:
        return []
    prompts = tokenizer([prompt for prompt, _ in pairs], add_special_tokens=False)["input_ids"]
    completions = tokenizer([completion for _, completion in pairs], add_special_tokens=False)["input_ids"]
    return [Encoded(prompt, completion) for prompt, completion in zip(prompts, completions, strict=True)]
