"""What a training tells of itself at each logged step: words for people, a JSON line for whoever draws the curve."""

from pathlib import Path

from ecom_llm.records import Record


class Told(Record):
    """One logged step. The wall clock is in it, so it never becomes part of a stage's outs."""

    step: int
    max_steps: int
    time: float
    """Seconds since 1970."""
    loss: float | None = None
    """Mean over the steps since the point before, in nats per completion token of a mean step."""
    eval_loss: float | None = None
    """Mean nats per completion token of the watched validation examples."""
    learning_rate: float | None = None
    tokens: int | None = None
    """Prompt and completion tokens seen so far by all processes, without padding."""
    tokens_per_second: float | None = None
    """Of those, since the point before; validating and writing checkpoints not counted."""
    eta_seconds: float | None = None
    """Until the last step, at the pace so far, validating and writing checkpoints included."""
    memory_gb: float | None = None
    """Most memory held at once, in 10^9 bytes: the device's on CUDA, else the process's."""
    mfu: float | None = None
    """Share of the device's measured bfloat16 matrix rate that training needs; on CUDA alone, see `train.flops`."""

    def metrics(self) -> dict[str, float]:
        """The numbers of this point under the names of the curve."""
        return self.model_dump(exclude={"step", "max_steps", "time"}, exclude_none=True)

    def words(self) -> str:
        """`loss 1.93 lr 0.0039 17,800 tokens/s 0.9 GB`; what was not measured is left out."""
        said = {
            "loss {:.4g}": self.loss,
            "eval_loss {:.4g}": self.eval_loss,
            "lr {:.2g}": self.learning_rate,
            "{:,.0f} tokens/s": self.tokens_per_second,
            "{:.1f} GB": self.memory_gb,
            "mfu {:.0%}": self.mfu,
        }
        return " ".join(form.format(value) for form, value in said.items() if value is not None)

    def line(self) -> str:
        """`step 400/7000 loss 1.93 lr 0.0039 17,800 tokens/s 0.9 GB eta 4m10s`."""
        eta = "" if self.eta_seconds is None else f" eta {duration(self.eta_seconds)}"
        return f"step {self.step}/{self.max_steps} {self.words()}{eta}"


def duration(seconds: float) -> str:
    """`9s`, `4m10s`, `2h05m`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60}h{minutes % 60:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def tell(path: Path, told: Told) -> None:
    """Append a point to the file as one JSON line.

    Raises:
        OSError: no space, or no right to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as handle:
        handle.write(f"{told.model_dump_json(exclude_none=True)}\n")


def read_told(path: Path, offset: int) -> tuple[list[Told], int]:
    """The points from a byte offset on, and the offset behind the last whole line: its writer may be amid the next."""
    with path.open("rb") as handle:
        handle.seek(offset)
        new = handle.read()
    whole = new[: new.rfind(b"\n") + 1]
    return [Told.model_validate_json(line) for line in whole.splitlines()], offset + len(whole)
