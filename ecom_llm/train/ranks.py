"""What the processes of a training do together: validate, gather weights that are shared out, and write a whole checkpoint."""

from collections.abc import Iterator, Sequence

import torch
from accelerate import Accelerator, DistributedType, FullyShardedDataParallelPlugin, PartialState
from torch import distributed
from torch.distributed.fsdp import MixedPrecisionPolicy
from transformers import Trainer

from ecom_llm.params import Train


def several() -> bool:
    """Whether this process is one of several that train together."""
    return distributed.is_initialized() and distributed.get_world_size() > 1


def shared(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """This process's share of `places`, each with how often it counts: once, or not at all.

    Every process gets the same number of them, since a model that is shared out computes in all processes or in none: those
    at the end compute one a second time, which does not count.
    """
    rank, world = (distributed.get_rank(), distributed.get_world_size()) if several() else (0, 1)
    for first in range(0, len(places), world):
        mine = first + rank
        yield (places[mine], 1) if mine < len(places) else (places[first], 0)


def summed(*values: float) -> list[float]:
    """Each value's sum over all processes, the same bits in all of them: they decide by it when to stop."""
    if not several():
        return list(values)
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    total = torch.tensor(values, dtype=torch.float64, device=device)
    distributed.all_reduce(total)
    return total.tolist()


def wait_for_all() -> None:
    """Return when all processes have come here."""
    if several():
        distributed.barrier()


def sharding_arguments(train: Train) -> dict[str, object]:
    """transformers' arguments for `train.sharding`; checkpoints hold whole weights, as those of one process do."""
    if train.sharding == "none":
        return {"activation_checkpointing": train.activation_checkpointing}
    config = {
        "version": 2,
        "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "reshard_after_forward": True,
        "state_dict_type": "FULL_STATE_DICT",
        # FSDP's own way spares a gathering in the backward pass
        "activation_checkpointing": train.activation_checkpointing,
    }
    return {"fsdp": True, "fsdp_config": config}


def with_sharding(accelerator: Accelerator, plugin_arguments: dict[str, object] | None) -> bool:
    """Set what accelerate 1.15 leaves out: sharding on CPUs, and gradients summed in float32. Whether weights are shared out.

    It takes FSDP for a matter of GPUs, and would train on CPUs as if nobody had asked for it. In bfloat16, it would sum the
    gradients of the processes in bfloat16 too; weights, sums and the optimizer are float32 everywhere else here.
    """
    if plugin_arguments is None:
        return False
    state = accelerator.state
    if state.distributed_type == DistributedType.MULTI_CPU:
        # both, as accelerate itself does: whoever looks at the state anew reads the second
        state.distributed_type = PartialState._shared_state["distributed_type"] = DistributedType.FSDP
        state.fsdp_plugin = FullyShardedDataParallelPlugin(**plugin_arguments)
    if accelerator.mixed_precision == "bf16":
        state.fsdp_plugin.mixed_precision_policy = MixedPrecisionPolicy(torch.bfloat16, torch.float32)
    return True


def whole_weights(trainer: Trainer) -> dict[str, torch.Tensor] | None:
    """The weights of a model that is shared out, gathered on the CPU of the first process; None where none is.

    All processes must call it.
    """
    sharded = any(hasattr(weight, "full_tensor") for weight in trainer.model.parameters())
    if not sharded:
        return None
    # gathered, a weight of two names is two tensors, and both would be saved
    tied = getattr(trainer.model, "all_tied_weights_keys", {})
    return {name: one for name, one in trainer.accelerator.get_state_dict(trainer.model).items() if name not in tied}
