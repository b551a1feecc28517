"""The smoke test of a champion: what loads and writes passes, and whatever does not says why in a line."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecom_llm.evaluate.evidence import Evidence, Output
from ecom_llm.params import Params, load_params
from ecom_llm.records import write_jsonl
from ecom_llm.serve import smoke
from ecom_llm.serve.smoke import Asked, unfit
from ecom_llm.write.decoding import decoding_of
from tasks import smoke as trying
from tasks import standby
from tasks.smoke import one_of_each, smoke_test
from tests.unit.serve.test_write import model_folder  # noqa: F401

REPO = Path(__file__).parents[3]
PROMPTS = (("describe", "en", {"colour": "red"}), ("review", "zh", {"星级": "5"}))


@pytest.fixture(scope="module")
def params() -> Params:
    found = load_params(REPO / "params.yaml")
    return found.model_copy(update={"evaluate": found.evaluate.model_copy(update={"max_new_tokens": 8})})


def asked(folder: Path, params: Params, **changes: object) -> Asked:
    fields = {"model": folder, "decoding": decoding_of(params.evaluate), "masked": False, "prompts": PROMPTS}
    return Asked.model_validate({**fields, **changes})


@pytest.mark.parametrize(
    ("texts", "fits"),
    [
        (["A bag.", "【模拟评论】好"], True),
        (["", "【模拟评论】好"], True),
        (["", "【模拟评论】"], False),
        ([" .", "【模拟评论】。"], False),
    ],
)
def test_a_label_alone_is_no_text(params, monkeypatch, texts, fits):
    monkeypatch.setattr(smoke, "write_all", lambda _: texts)
    assert unfit(asked(Path("none"), params)) == ("" if fits else "it writes nothing")


def test_titles_do_not_speak_for_a_model_that_writes_nothing(params, monkeypatch):
    prompts = (("recommend", "en", {"history": "a bag"}), ("describe", "en", {"colour": "red"}))
    monkeypatch.setattr(smoke, "write_all", lambda asked: ["A kettle\nWhy: it sells", ""][: len(asked.prompts)])
    assert unfit(asked(Path("none"), params, prompts=prompts)) == "it writes nothing"
    assert unfit(asked(Path("none"), params, prompts=prompts[:1])) == ""


def test_a_masked_model_is_to_give_numbers(tmp_path, params):
    import torch
    from transformers import ModernBertConfig, ModernBertForMaskedLM

    from ecom_llm.train.tokenizer import train_tokenizer

    tokenizer = train_tokenizer(["red dress"], 300)
    tokenizer.add_special_tokens({"mask_token": "<mask>"})
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    special = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"), 0)
    model = ModernBertForMaskedLM(ModernBertConfig(vocab_size=len(tokenizer), **sizes, **special))
    for spoilt in (False, True):
        if spoilt:
            torch.nn.init.constant_(model.decoder.bias, torch.nan)
        model.save_pretrained(tmp_path)
        tokenizer.save_pretrained(tmp_path)
        assert unfit(asked(tmp_path, params, masked=True)) == ("its scores of a text are no numbers" if spoilt else "")


def output(skill: str, locale: str, **attributes: str) -> Output:
    fields = {"id": "1", "reference": "", "text": "", "baselines": {}, "ratios": {}}
    return Output(skill=skill, locale=locale, attributes=attributes, **fields)


def test_one_example_of_each_skill_and_locale_is_asked_for():
    outputs = [output("describe", "en"), output("describe", "en", a="1"), output("describe", "en", a="2")]
    assert one_of_each([*outputs, output("answer", "zh", q="3")]) == (
        ("answer", "zh", {"q": "3"}),
        ("describe", "en", {"a": "1"}),
    )


def registry_of(folder: Path) -> SimpleNamespace:
    """A registry whose one version lies in a folder."""

    def files(version: SimpleNamespace, where: Path) -> SimpleNamespace:
        numbers = {"metrics": {}, "baselines": {}, "signatures": {}, "examples": 1}
        evidence = Evidence(test_set="one", prepared="", tokenizer="t", **numbers)
        found = SimpleNamespace(params=REPO / "params.yaml", metrics=where / "m.json", outputs=where / "o.jsonl")
        found.metrics.write_text(evidence.model_dump_json())
        write_jsonl(found.outputs, [output("describe", "en", colour="red")])
        return found

    return SimpleNamespace(files=files, model_folder=lambda version: folder)


@pytest.mark.slow
@pytest.mark.parametrize("torn", [False, True])
def test_the_version_is_tried_in_a_process_of_its_own(model_folder, tmp_path, torn):  # noqa: F811
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    if torn:
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-20])
    told = smoke_test(registry_of(folder), SimpleNamespace(number="1"))
    assert told == "" if not torn else f"{folder}" in told and "cannot be loaded" in told and "\n" not in told


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os; os.kill(os.getpid(), 9)", "its process ended with -9: it said nothing"),
        ("raise MemoryError('no room')", "its process ended with 1: MemoryError: no room"),
        ("import time; time.sleep(60)", "it had not written a line after 1 s"),
    ],
)
def test_a_process_that_dies_or_is_silent_is_told_of(tmp_path, monkeypatch, program, words):
    monkeypatch.setattr(standby, "COMMAND", [sys.executable, "-c", program])
    monkeypatch.setattr(trying, "SECONDS", 1)
    assert smoke_test(registry_of(tmp_path), SimpleNamespace(number="1")) == words


def test_a_process_that_stands_by_is_asked_first_and_never_left_behind(monkeypatch):
    program = "import sys; given = sys.stdin.read(); print(given) if given else sys.exit(1)"
    monkeypatch.setattr(standby, "COMMAND", [sys.executable, "-c", program])
    with standby.standing_by():
        process = standby.next_process()
        assert process.communicate("asked", timeout=60) == ("asked\n", "")
        assert standby.next_process().communicate("again", timeout=60) == ("again\n", ""), "there is always one to ask"
    with pytest.raises(RuntimeError), standby.standing_by():
        (process,) = standby._standing_by
        raise RuntimeError("nothing to roll back to")
    assert process.returncode is not None and standby._standing_by == []


@pytest.mark.slow
def test_of_a_killed_command_no_process_stays():
    """Whoever asks holds the process's input; the kernel closes it."""
    program = "from tasks.standby import begun; import os; print(begun().pid, flush=True); os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", program], cwd=REPO, capture_output=True, text=True, check=False)
    pid = int(killed.stdout)
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}/cmdline").exists() and b"serve.smoke" in Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline, "it waits for ever"
        time.sleep(0.1)
