"""Whether a text sounds as it was asked for: the model that wrote it compares how likely it is when something else is asked.

Bayes' rule with the model itself as the channel (Li et al. 2016, "A Diversity-Promoting Objective Function", 2: mutual
information between what is asked and what is said), over the few things that could have been asked: a review's stars. The
judge that scores reviews (`evaluate.judge`) has no part in it.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, log

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ecom_llm.records import Example
from ecom_llm.skills import SKILLS
from ecom_llm.write.candidates import Candidate
from ecom_llm.write.encode import encode
from ecom_llm.write.likelihood import score


def share_of_first(log_probabilities: Sequence[float]) -> float:
    """The logarithm of the first probability's share in all."""
    highest = max(log_probabilities)
    return log_probabilities[0] - highest - log(sum(exp(one - highest) for one in log_probabilities))


def heard(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    candidates: Sequence[Sequence[Candidate]],
    batch_size: int,
) -> list[list[Candidate]]:
    """The candidates of each example, each with the log-probability that this was asked for and none of the skill's rivals.

    A text costs one reading for each thing that could have been asked; of a skill without rivals nothing is read.
    """
    asked = [[example, *SKILLS[example.skill].rivals(example)] for example in examples]
    told = [
        one.model_copy(update={"target": candidate.text})
        for rivals, found in zip(asked, candidates, strict=True)
        for candidate in found
        for one in (rivals if len(rivals) > 1 else ())
    ]
    nats = iter(score(model, encode(told, tokenizer), tokenizer.pad_token_id, batch_size) if told else ())
    return [
        [
            replace(candidate, heard=share_of_first([-next(nats).nats for _ in rivals]) if len(rivals) > 1 else 0.0)
            for candidate in found
        ]
        for rivals, found in zip(asked, candidates, strict=True)
    ]
