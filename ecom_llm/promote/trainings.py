"""Several trainings a side at the gate: whether those that params ask for are there, and how many stood, in words."""

from collections.abc import Iterator
from statistics import stdev

from ecom_llm.evaluate.evidence import slice_value
from ecom_llm.promote.match import Match


def seeds_missing(match: Match) -> str | None:
    """Why the seeds' spread cannot be said though params ask for it, or None."""
    asked, found = match.rules.trainings, len(match.candidate.all_trainings)
    if found >= asked:
        return None
    return (
        f"promote.trainings asks for {asked} trainings by different seeds, and version {match.candidate.version} has "
        f"{found}; where its snapshot and its params are checked out, `ecom-llm run --set promote.trainings={asked}` "
        "trains the others alone; or set promote.trainings=1"
    )


def counted(match: Match) -> str:
    """Whose mean a comparison is about, to follow its difference; empty for one training a side."""
    if match.rules.trainings == 1:
        return ""
    ours, theirs = match.trainings
    return f" on the mean of {ours} trainings against {f'that of {theirs}' if theirs > 1 else '1'}"


def stood(match: Match) -> Iterator[str]:
    """The note that says how many trainings were compared, where params ask for several and they are there."""
    if match.rules.trainings == 1 or seeds_missing(match) is not None:
        return
    ours, theirs = match.trainings
    borrowed = "; no other of it was measured on this test set, so its seeds are taken to differ as the candidate's do"
    alone = borrowed if theirs == 1 else ""
    yield (
        f"Trainings that differ by train.seed alone: {ours} of the candidate's recipe, {theirs} of the champion's{alone}. "
        "The rules against the champion count what seeds do; thresholds and the table of all slices are about the two "
        "models alone."
    )
    yield from by_seed(match)


def by_seed(match: Match) -> Iterator[str]:
    """The note that says what each training has on the primary slice, and how far seeds alone part them."""
    rule = match.rules.primary
    sides = zip(("candidate", "champion"), match.sides(rule, rule.skill, rule.locale), strict=True)
    for name, trainings in sides:
        values = [found for outputs in trainings if (found := slice_value(rule.metric, outputs)) is not None]
        if len(values) > 1:
            told = ", ".join(f"{value:.4g}" for value in values)
            yield (
                f"{rule.skill}/{rule.locale} {rule.metric} by seed, {name}: {told}; standard deviation {stdev(values):.2g}."
            )
