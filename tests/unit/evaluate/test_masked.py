"""A masked model's evidence: pseudo-likelihoods by their definition, the unigram beside them, and what its encoder is for."""

import copy
from dataclasses import replace
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from ecom_llm.evaluate.encoder import Encoder, load_encoder
from ecom_llm.evaluate.evidence import Output, read_evidence, slice_value
from ecom_llm.evaluate.loading import load_masked
from ecom_llm.evaluate.metrics import PseudoBitsPerByte, PseudoLogLikelihood, PseudoPerplexity
from ecom_llm.evaluate.metrics.similarity import Similarity
from ecom_llm.evaluate.proposals import fused, nearest_titles, rankings, whitened
from ecom_llm.evaluate.pseudo import pseudo_score, unigram_score
from ecom_llm.evaluate.stage import run
from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params
from ecom_llm.promote.gate import Entrant, decide
from ecom_llm.records import SPLITS, Example, Item, UserError, read_jsonl
from ecom_llm.serve.write import load_writer
from ecom_llm.shards import write_records
from ecom_llm.train.tokenizer import train_masked_tokenizer
from ecom_llm.write.decoding import decoding_of
from ecom_llm.write.encode import encode_targets

REPO = Path(__file__).parents[3]
CPU = torch.device("cpu")
TITLES = ["red dress", "red dress, long", "navy blue shirt", "blue shirt", "cotton sock", "linen shirt"]


@pytest.fixture(scope="module")
def masked_tokenizer():
    return train_masked_tokenizer([*TITLES, "so red, I like it", "红色连衣裙"] * 3, 320)


@pytest.fixture(scope="module")
def masked_folder(masked_tokenizer, tmp_path_factory) -> Path:
    torch.manual_seed(5)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = BertConfig(
        vocab_size=len(masked_tokenizer),
        **sizes,
        max_position_embeddings=48,
        initializer_range=0.3,
        pad_token_id=masked_tokenizer.pad_token_id,
    )
    folder = tmp_path_factory.mktemp("masked")
    BertForMaskedLM(config).save_pretrained(folder)
    masked_tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def loaded(masked_folder):
    return load_masked(masked_folder, CPU)


@pytest.fixture(scope="module")
def params() -> Params:
    whole = load_params(REPO / "params.yaml")
    small = {"max_examples": 4, "per_device_eval_batch_size": 20, "num_threads": 1, "max_new_tokens": 8}
    return whole.model_copy(
        update={
            "evaluate": whole.evaluate.model_copy(update=small),
            "runtime": whole.runtime.model_copy(update={"device": "cpu"}),
        }
    )


@pytest.fixture(scope="module")
def layout(make_example, masked_folder, tmp_path_factory) -> Layout:
    root = tmp_path_factory.mktemp("workspace")
    found = Layout(root, root / "state")
    for place, split in enumerate(SPLITS):
        made = []
        for n in range(6):
            stars, texts = {"stars": "5"}, {"history": f"{TITLES[n]}; {TITLES[n - 1]}"}
            made.append(make_example("review", "en", 100 * place + n, stars, f"so {TITLES[n]}, I like it"))
            made.append(make_example("recommend", "en", 100 * place + n, texts, TITLES[n - 2]))
        write_records(found.split(split), Example, made)
    write_records(found.items, Item, [Item(product=f"P{n}", locale="en", title=t) for n, t in enumerate(TITLES)])
    found.protocols.write_text("[]", encoding="utf-8")
    found.model.parent.mkdir(parents=True)
    found.model.symlink_to(masked_folder)
    return found


@pytest.fixture(scope="module")
def written(params, layout) -> Layout:
    run(params, layout)
    return layout


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_every_token_is_hidden_in_turn(loaded, make_example, batch_size):
    """By the definition: one text, one place, no padding; [CLS] and [SEP] are not scored."""
    model, tokenizer = loaded
    texts = ["a red dress", "so red, I like it", "红色连衣裙", ""]
    encoded = encode_targets([make_example("review", "en", n, {}, text) for n, text in enumerate(texts)], tokenizer)
    found = pseudo_score(model, encoded, tokenizer, batch_size)
    for one, text in zip(found, texts, strict=True):
        ids, nats = tokenizer(text)["input_ids"], 0.0
        for place in range(1, len(ids) - 1):
            hidden = torch.tensor([[*ids[:place], tokenizer.mask_token_id, *ids[place + 1 :]]])
            with torch.inference_mode():
                nats -= model(hidden).logits[0, place].double().log_softmax(-1)[ids[place]].item()
        assert (one.nats, one.tokens) == (pytest.approx(nats, abs=1e-3), len(ids) - 2)


def test_the_unigram_knows_frequencies_and_nothing_else(masked_tokenizer, make_example):
    def read(*texts: str):
        return encode_targets([make_example("review", "en", 0, {}, text) for text in texts], masked_tokenizer)

    size = len(masked_tokenizer) - len(set(masked_tokenizer.all_special_ids))
    training = read("red", "red", "sock")
    seen = sum(len(one.completion) - 2 for one in training)
    known, unknown = unigram_score(read("red", "连"), training, masked_tokenizer)
    assert known.tokens == len(masked_tokenizer("red")["input_ids"]) - 2
    if known.tokens == 1:
        assert known.nats == pytest.approx(-log(3 / (seen + size)))
    assert unknown.nats == pytest.approx(unknown.tokens * log(seen + size))


def test_pseudo_metrics_are_ratios_of_sums():
    found = PseudoPerplexity().compute(predictions=[2.0, 10.0], references=[1.0, 3.0])
    assert found["pseudo_perplexity"] == pytest.approx(exp(3)) and found["ratios"] == [(2, 1), (10, 3)]
    assert PseudoLogLikelihood().compute(predictions=[2.0, 10.0])["pseudo_log_likelihood"] == -6
    assert PseudoBitsPerByte().compute(predictions=[8.0, 4.0], references=[4, 8])["pseudo_bits_per_byte"] == 1


PSEUDO = {"pseudo_perplexity", "pseudo_log_likelihood", "pseudo_bits_per_byte"}


def test_a_masked_model_is_measured_beside_a_unigram_and_writes_nothing(written):
    evidence = read_evidence(written.metrics)
    assert evidence.objective == "masked" and evidence.examples == 8
    assert set(evidence.metrics["review"]["en"]) == PSEUDO
    assert set(evidence.metrics["recommend"]["en"]) == PSEUDO | {"hit@10", "ndcg@10", "mrr@10"}
    ranked = {"bm25", "bm25_encoder", "popularity", "cooccurrence", "transitions"}
    assert set(evidence.baselines) == {"unigram", *ranked}
    assert set(evidence.baselines["unigram"]["review"]["en"]) == PSEUDO
    assert set(evidence.baselines["bm25"]) == {"recommend", "all"}
    assert evidence.metrics["recommend"]["en"]["hit@10"] == 1  # six items and ten places
    found = list(read_jsonl(written.outputs, Output))
    assert {one.text for one in found if one.skill == "review"} == {""}
    for metric in PSEUDO:
        assert evidence.metrics["all"]["all"][metric] == pytest.approx(slice_value(metric, found), abs=1e-5)


def test_again_gives_the_same_bytes(params, written):
    before = [path.read_bytes() for path in (written.outputs, written.metrics, written.slices)]
    run(params, written)
    assert [path.read_bytes() for path in (written.outputs, written.metrics, written.slices)] == before


def rules(params: Params, metric: str):
    primary = {"metric": metric, "skill": "all", "locale": "all", "greater_is_better": False}
    bound = {**primary, "threshold": 1e6}
    return type(params.promote).model_validate(
        {**params.promote.model_dump(), "primary": primary, "thresholds": [bound], "regressions": []}
    )


def test_the_gate_judges_masked_models_and_never_holds_one_against_a_causal_one(params, written):
    evidence, found = read_evidence(written.metrics), list(read_jsonl(written.outputs, Output))
    worse = [
        one.model_copy(update={"ratios": {name: (pair[0] * 1.1, pair[1]) for name, pair in one.ratios.items()}})
        for one in found
    ]
    candidate, champion = Entrant("m", "2", evidence, found), Entrant("m", "1", evidence, worse)
    for metric in ("pseudo_bits_per_byte", "pseudo_perplexity"):
        assert decide(candidate, champion, rules(params, metric), 1).approved
        assert not decide(champion, replace(candidate, version="3"), rules(params, metric), 1).approved
    other = evidence.model_copy(update={"tokenizer": "another"})
    refused = decide(candidate, replace(champion, evidence=other), rules(params, "pseudo_perplexity"), 1)
    assert "pseudo_perplexity is not compared between different tokenizers" in refused.checks[-1].reason
    causal = replace(champion, evidence=evidence.model_copy(update={"objective": "causal"}))
    refused = decide(candidate, causal, rules(params, "pseudo_bits_per_byte"), 1)
    assert "one is masked and the other causal" in refused.checks[-1].reason


def test_a_masked_champion_does_not_write(params, masked_folder):
    with pytest.raises(UserError, match=r"is a masked language model .* writes none"):
        load_writer(masked_folder, device="cpu", decoding=decoding_of(params.evaluate))


@pytest.fixture(scope="module")
def encoder(masked_folder) -> Encoder:
    return load_encoder(masked_folder, CPU, 4)


def test_a_vector_is_the_mean_of_the_last_hidden_states(encoder):
    texts = [*TITLES, "word " * 200]  # the last one is longer than the model's 48 positions
    vectors = encoder.embed(texts)
    assert vectors.shape == (7, 32) and np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(7), abs=1e-5)
    for vector, text in zip(vectors, texts, strict=True):
        ids = torch.tensor([encoder.tokenizer(text, truncation=True, max_length=48)["input_ids"]])
        with torch.inference_mode():
            mean = encoder.model(ids).last_hidden_state[0].mean(dim=0)
        assert vector == pytest.approx((mean / mean.norm()).numpy(), abs=1e-5)


def test_each_encoder_signs_as_itself(encoder):
    other = copy.deepcopy(encoder.model)
    next(other.parameters()).data[0, 0] += 1.0
    given = {"predictions": ["one"], "references": ["two"]}
    signs = {
        Similarity().compute(**given, encoder=one)["signature"] for one in (encoder, replace(encoder, batch_size=1))
    }
    assert len(signs) == 1
    assert Similarity().compute(**given, encoder=replace(encoder, model=other))["signature"] not in signs


def test_similarity_is_one_for_the_same_text_and_less_for_another(encoder):
    found = Similarity().compute(
        predictions=["red dress", "cotton sock"], references=["red dress"] * 2, encoder=encoder
    )
    (same, _), (other, _) = found["ratios"]
    assert same == pytest.approx(1, abs=1e-5) and other < 0.999
    assert found["similarity"] == pytest.approx((same + other) / 2)


def test_items_are_proposed_by_what_their_titles_mean(encoder, make_example):
    asked = [make_example("recommend", "en", 0, {"history": title}, "x") for title in TITLES]
    ranked = nearest_titles(encoder, asked, TITLES, 3)
    assert [best[0] for best in ranked] == TITLES  # nothing is nearer to a title than itself
    assert all(len(best) == 3 for best in ranked)


def test_whitening_leaves_no_axis_that_says_more_than_another():
    rng = np.random.default_rng(3)
    known = rng.normal(size=(500, 6)) * [30, 10, 3, 1, 0.5, 0.2] + 100  # a cone: every cosine is near 1
    seen = whitened(known, known)
    assert np.linalg.norm(seen, axis=1) == pytest.approx(np.ones(500))
    spread = np.linalg.svd(seen - seen.mean(axis=0), compute_uv=False)
    assert spread.max() / spread.min() < 1.3
    assert np.isfinite(whitened(known[:1], known[:1])).all()


def test_fusion_prefers_what_both_rank_high():
    assert fused([["a", "b", "c"], ["b", "c", "d"]], 3) == ["b", "c", "a"]


def test_without_an_encoder_nothing_is_proposed_by_it(make_example, encoder):
    asked = [make_example("recommend", "en", 0, {"history": "red dress"}, "blue shirt")]
    without = {"bm25", "popularity", "cooccurrence", "transitions"}
    assert set(rankings(asked, asked, TITLES, None)) == without
    assert set(rankings(asked, asked, TITLES, encoder)) == without | {"encoder", "bm25_encoder"}


def test_a_causal_model_is_judged_with_an_encoder(params, layout, masked_folder, model_folder, tmp_path):
    causal = Layout(tmp_path, tmp_path / "state")
    causal.prepared.parent.mkdir(parents=True)
    causal.prepared.symlink_to(layout.prepared)
    causal.model.parent.mkdir()
    causal.model.symlink_to(model_folder)
    changes = {"use_encoder": True, "encoder": str(masked_folder)}
    asked = params.model_copy(update={"evaluate": params.evaluate.model_copy(update=changes)})
    run(asked, causal)
    evidence = read_evidence(causal.metrics)
    assert evidence.objective == "causal"
    assert -1 <= evidence.metrics["review"]["en"]["similarity"] <= 1
    assert "similarity" in evidence.baselines["nearest_neighbour"]["review"]["en"]
    assert "similarity" not in evidence.metrics["recommend"]["en"]
    assert {"encoder", "bm25_encoder"} < set(evidence.baselines)


def test_a_folder_that_holds_no_encoder_is_named(tmp_path):
    with pytest.raises(UserError, match=r"evaluate\.encoder holds no checkpoint there"):
        load_encoder(tmp_path, CPU, 4)
