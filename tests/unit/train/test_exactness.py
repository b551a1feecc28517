"""The proof of `make proof-exactness`, less the architectures that go the way of these; each check sees its own fault."""

import pytest
import torch

from proofs.exactness import Check, against_alone, masked_prompts, same_steps


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("architecture", "attention"), [("qwen3", "sdpa"), ("mistral, window 16", "eager")])
def test_packed_and_padded_are_each_text_alone(architecture, attention):
    checks = list(against_alone(architecture, attention))
    assert len(checks) == 4
    assert not [check for check in checks if check.failed]


def test_prompts_are_not_learned():
    checks = list(masked_prompts())
    assert len(checks) == 2
    assert not [check for check in checks if check.failed]


def test_one_batch_is_four_accumulated_and_two_processes(tmp_path):
    """Through Trainer, over the end of an epoch; the two processes are started by torchrun."""
    checks = list(same_steps(tmp_path))
    assert len(checks) == 16
    assert not [check for check in checks if check.failed]


@pytest.mark.parametrize(("measured", "with_fault"), [(2e-5, 1.0), (float("nan"), 1.0), (1e-7, 9e-5)])
def test_a_check_fails_for_a_difference_and_for_a_fault_it_does_not_see(measured, with_fault):
    assert Check("what", measured, 1e-5, "fault", with_fault).failed
    assert not Check("what", 1e-7, 1e-5, "fault", 1.0).failed
