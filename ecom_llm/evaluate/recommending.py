"""Who ranks the items of a recommendation: what training learned of the purchases, or the language model."""

from collections.abc import Iterable, Sequence
from logging import getLogger
from pathlib import Path
from typing import TYPE_CHECKING

from ecom_llm.records import Example, Item
from ecom_llm.train.recommender.files import load
from ecom_llm.train.recommender.recommender import Recommender
from ecom_llm.write.decoding import Decoding

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ecom_llm.write.encode import Encoded

log = getLogger(__name__)


def recommender_of(folder: Path, decoding: Decoding) -> Recommender | None:
    """The recommender in a model's folder, where it is to rank; None leaves the ranking to the language model.

    Raises:
        UserError: it is damaged.
    """
    return load(folder) if decoding.recommend_by == "purchases" else None


def ranked_titles(
    recommender: Recommender | None,
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    examples: Sequence[Example],
    items: Iterable[Item],
    decoding: Decoding,
    top: int,
    encoded: Sequence["Encoded"] | None = None,
) -> list[list[str]]:
    """The `top` titles of each example's locale, likeliest next purchase first.

    Raises:
        UserError: a locale has examples and no items.
    """
    if recommender:
        return [[one.title for one in best] for best in recommender.recommend(examples, top, explain=False)]
    if decoding.recommend_by == "purchases" and examples:
        log.warning(
            "the model's folder holds no recommender (it was trained before there was one): the language model ranks. "
            "Train it again for a ranking by purchases, or set evaluate.recommend_by=model."
        )
    from ecom_llm.evaluate.ranking import rank_items

    size = decoding.per_device_eval_batch_size
    ranked = rank_items(model, tokenizer, examples, items, decoding.num_beams, size, top, encoded)
    return [[one.title for one in best] for best in ranked]
