"""The history of a model in words: what its journal tells, and whether it can be believed."""

from ecom_llm.records import UserError
from ecom_llm.registry import Registry
from ecom_llm.registry.journal import Chain, Entry
from ecom_llm.registry.versions import ANCHOR

DETAILS = {
    "gate": "",
    "name": "by ",
    "comment": "",
    "instead_of": "instead of ",
    "alias": "has the alias ",
    "what": "",
    "why": "because ",
    "settled": "settled ",
    "seconds": "seconds asked: ",
}
"""What of an entry's details a line shows, each with the words before it."""


def line(entry: Entry) -> str:
    """An entry as one line."""
    said = [f"{words}{entry.details[name]}" for name, words in DETAILS.items() if entry.details.get(name)]
    by_hand = ["by hand"] if entry.details.get("by_hand") == "true" else []
    told = ", ".join([*said, *by_hand])
    return f"{entry.sequence:>4}  {entry.time}  version {entry.version:<4} {entry.event:<12} {told:<32} {entry.actor}"


def faults(chain: Chain, anchor: str, champion: str | None) -> list[str]:
    """What is wrong with a journal: its own chain, what MLflow knows of it, and who it says is champion."""
    found = [*chain.faults, *chain.missing(anchor)]
    if chain.champion != champion:
        told, alias = (f"version {one}" if one else "nobody" for one in (chain.champion, champion))
        found.append(f"it tells that {told} is champion, and MLflow's alias names {alias}")
        if begun := chain.begun:
            found.append(
                f"entry {begun.sequence} ({begun.event}) was begun and not ended, as a crash or MLflow's failure leaves it: "
                "ecom-llm reconcile settles it"
            )
    return found


def history(registry: Registry) -> str:
    """The journal, oldest entry first, with a last line that says it is whole.

    Raises:
        UserError: an entry was edited, removed or reordered, or it tells of another champion than MLflow.
    """
    with registry.journal.held():  # a change of the champion is told as a whole or not yet
        anchors, champion, chain = registry.anchors(), registry.aliases().get("champion"), registry.journal.read()
    anchor, others = anchors.get(registry.anchor_tag, ""), len(anchors.keys() - {registry.anchor_tag})
    lines = [*map(line, chain.entries), *chain.notes]
    if others:
        lines.append(
            f"MLflow knows {others} more of this model, each kept with another state folder: tags `{ANCHOR}.NAME`."
        )
    if not chain.entries and not anchor:  # versions from before there was a journal are found by the next promotion
        return f"{registry.model_name} has no history yet: run `ecom-llm run`."
    wrong = faults(chain, anchor, champion)
    if wrong:
        why = (
            f"the journal of {registry.model_name} cannot be believed (its end in MLflow: tag `{registry.anchor_tag}`):"
        )
        raise UserError("\n".join([why, *wrong, *lines]))
    return "\n".join([*lines, f"{len(chain.entries)} entries, each chained to the one before: whole."])
