"""Texts -> vectors: a masked model without its head, put to use for comparing texts and proposing items."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from ecom_llm.evaluate.loading import UNLOADABLE, is_masked, silence
from ecom_llm.records import UserError
from ecom_llm.write.padding import batches
from ecom_llm.write.reach import longest_input


@dataclass(frozen=True)
class Encoder:
    """A model that gives each token a vector, and how it is asked."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    batch_size: int

    @cached_property
    def digest(self) -> str:
        """SHA-256 of its weights: two encoders give two numbers."""
        weights = self.model.state_dict()
        return sha256(b"".join(sha256(weights[name].cpu().numpy()).digest() for name in sorted(weights))).hexdigest()

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """(texts, width) float32 of length 1: the mean of the last hidden states, the framing tokens' included.

        Mean pooling as Sentence-BERT's (Reimers and Gurevych 2019). A text beyond the model's positions is cut.
        """
        longest = longest_input(self.model)
        cut = {"truncation": True, "max_length": longest} if longest else {}
        groups = batches([len(text) for text in texts], self.batch_size)
        found: dict[int, np.ndarray] = {}
        for group in tqdm(groups, desc="embedding", unit="batch", disable=None, leave=False):
            asked = self.tokenizer([texts[index] for index in group], padding=True, return_tensors="pt", **cut)
            found.update(zip(group, self.pooled(asked["input_ids"], asked["attention_mask"]), strict=True))
        return np.stack([found[index] for index in range(len(texts))])

    @torch.inference_mode()
    def pooled(self, ids: torch.Tensor, mask: torch.Tensor) -> np.ndarray:
        """(batch, width): the vectors of one batch of padded texts."""
        ids, mask = ids.to(self.model.device), mask.to(self.model.device)
        states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        # a sum points where the mean does, and only the direction is kept
        return torch.nn.functional.normalize((states * mask[..., None]).sum(dim=1), dim=1).cpu().numpy()


def load_encoder(folder: Path, device: torch.device, batch_size: int) -> Encoder:
    """Load an encoder: a masked model's, or one that was trained for sentences. Safetensors only, nothing from the network.

    Raises:
        UserError: the folder holds no encoder, or a tokenizer that cannot pad.
    """
    if not (folder / "config.json").is_file():
        raise UserError(
            f"{folder}: evaluate.use_encoder is true, but evaluate.encoder holds no checkpoint there: config.json is "
            "missing. Name the folder of an encoder, or set evaluate.use_encoder=false."
        )
    silence()
    local = {"local_files_only": True, "trust_remote_code": False}
    kind = AutoModelForMaskedLM if is_masked(folder) else AutoModel
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
        model = kind.from_pretrained(folder, use_safetensors=True, dtype="float32", **local).base_model
    except UNLOADABLE as error:
        raise UserError(f"{folder}: cannot be loaded as an encoder: {' '.join(str(error).split())}") from error
    if tokenizer.pad_token is None:
        raise UserError(f"{folder}: its tokenizer cannot pad, so it is no encoder's. Name another folder.")
    tokenizer.padding_side = "right"
    return Encoder(model.to(device).eval(), tokenizer, batch_size)
