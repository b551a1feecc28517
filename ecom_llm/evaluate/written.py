"""What a system has written or ranked for one example: known to those who write, and to those who measure."""

from dataclasses import KW_ONLY, dataclass

from ecom_llm.write.likelihood import Likelihood


@dataclass(frozen=True)
class Written:
    """What one system has to show for one example; baselines have no likelihood, most skills no ranking."""

    text: str
    _: KW_ONLY
    others: tuple[str, ...] = ()
    """Its next best texts, best first, where several were written."""
    ranking: tuple[str, ...] = ()
    elsewhere: str | None = None
    """What it answers to the same question when its evidence is another product's; None where it was not asked."""
    likelihood: Likelihood | None = None
