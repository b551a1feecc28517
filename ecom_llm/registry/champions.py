"""Who writes for the shop: promotions and roll-backs, each told in the journal before and after it is done."""

from collections.abc import Callable, Sequence
from typing import Literal

from ecom_llm.records import UserError
from ecom_llm.registry.approvals import anew, named, require_compared, require_decided, was_rejected
from ecom_llm.registry.decisions import finish
from ecom_llm.registry.journal import Chain, Entry
from ecom_llm.registry.signing import BrokenLink
from ecom_llm.registry.versions import APPROVAL, TRIAL, Registry, Version, answered


def require_fit(chain: Chain, version: Version, champion: str, by_hand: bool, compared_with: str | None) -> None:
    """Check that a version may become champion instead of another. A bar that the journal tells of holds whatever MLflow's tags say.

    Raises:
        Overtaken: it was compared with another champion.
        UserError: it was rolled back, or a person rejected it, and nobody promotes it by hand.
    """
    if (version.rolled_back or was_set_aside(chain, version)) and not by_hand:
        raise UserError(
            f"{named(version)} was rolled back and does not return by itself. To bring it back: ecom-llm promote {version.number}"
        )
    if (version.rejected or was_rejected(chain, version)) and not by_hand:
        raise UserError(
            f"{named(version)} was rejected by a person and does not become champion by itself. {anew(version)}"
        )
    if compared_with is not None and champion != version.number:
        require_compared(version, compared_with, champion)


def was_set_aside(chain: Chain, version: Version) -> bool:
    """Whether the journal tells that a version was champion last before somebody went back behind it, or it was withdrawn."""
    for entry in reversed(chain.entries):
        if entry.champion == version.number:
            return False
        behind = {entry.details.get("instead_of"), *entry.details.get("set_aside", "").split()}
        if entry.event == "rolled back" and version.number in behind:
            return True
        if entry.event == "withdrawn" and entry.version == version.number:
            return True
    return False


@answered
def promote(
    registry: Registry,
    version: Version,
    by_hand: bool,
    compared_with: str | None = None,
    decided: str | None = None,
    word: bool = False,
) -> None:
    """Make a version champion and the champion `previous`. A broken promotion never leaves the shop without one.

    Args:
        by_hand: whether a person asked for it.
        compared_with: the champion that the gate held the version against, empty where there was none; None asks for no such thing.
        decided: SHA-256 of the decision by which the gate approved it, which has to be its last one; None asks for no such thing.
        word: whether a person has to have approved that decision, and not rejected it since.

    Raises:
        Overtaken: another version is champion by now than the gate compared with, or it was decided on anew, or answered otherwise.
        UserError: it was rolled back, or a person rejected it, and nobody promotes it by hand.
    """
    with registry.journal.held():
        settle(registry)
        version = registry.version(version.number)  # it may have been rolled back since the caller looked
        aliases = registry.aliases()
        old = aliases.get("champion")
        chain = registry.journal.read()
        require_fit(chain, version, old or "", by_hand, compared_with)
        if old != version.number:
            require_decided(chain, version, decided, word)
            told = {"instead_of": old or "", "by_hand": str(by_hand).lower(), **before_it(registry, version)}
            registry.note("promoting", version.number, **told)
            # a counter, not a clock: the order of champions must not hang on two machines agreeing on the time
            registry.tag(version.number, "promoted", str(1 + max(one.promoted for one in registry.versions())))
            registry.tag(version.number, "rolled_back", "false")
            # whoever finds it champion and untried after a crash tries it
            registry.tag(version.number, TRIAL, "pending")
            registry.alias("previous", old)
            registry.alias("champion", version.number)
            registry.note("promoted", version.number, **told)
        straightened(registry)


def before_it(registry: Registry, version: Version) -> dict[str, str]:
    """What a change of the champion sets beside the alias `champion`, as it is before: told in the journal for `undo`."""
    return {
        "promoted_before": str(version.promoted),
        "rolled_back_before": str(version.rolled_back).lower(),
        "previous_before": registry.aliases().get("previous", ""),
    }


def before(registry: Registry, version: Version | None) -> Version | None:
    """The champion before this one, without those that were rolled back; the last one where nobody is champion."""
    earlier = [one for one in registry.versions() if not one.rolled_back and one.promoted]
    if version is not None:
        earlier = [one for one in earlier if one.promoted < version.promoted]
    return max(earlier, key=lambda one: one.promoted, default=None)


def target(registry: Registry, now: Version | None, asked: str | None) -> Version:
    """The version to go back to: the champion before, or the earlier champion that was asked for.

    Raises:
        UserError: there is none, or what was asked for never was champion.
    """
    champion = now.number if now else None
    if asked is not None:
        found = registry.version(asked)
        if found.promoted and found.number != champion:
            return found
        known = [one.number for one in registry.versions() if one.promoted and one.number != champion]
        raise UserError(
            f"{registry.model_name} version {asked} {'is champion' if asked == champion else 'never was champion'}. "
            f"Earlier champions: {', '.join(known) or 'none'}."
        )
    back = before(registry, now)
    if back is None:
        earlier = any(one.promoted > 0 and (now is None or one.promoted < now.promoted) for one in registry.versions())
        first = (
            f"all champions before version {champion} were rolled back"
            if earlier
            else f"version {champion} is the first champion"
        )
        how = " To go back to one that was rolled back: ecom-llm rollback --to NUMBER." if earlier else ""
        reason = first if now else "there is no champion"
        raise UserError(f"{registry.model_name} at {registry.address} has nothing to roll back to: {reason}.{how}")
    return back


@answered
def rollback(
    registry: Registry, to: str | None = None, check: Callable[[Version], None] | None = None
) -> tuple[Version, Version]:
    """Give the alias `champion` back to the version before, or to the earlier champion `to`; returns (from, to).

    A second one goes further back. Before anything is changed, `check` may refuse the version by raising.

    Raises:
        UserError: there is no champion, or none before it; or `to` never was champion.
    """
    with registry.journal.held():
        settle(registry)
        now = registry.champion()
        back = target(registry, now, to)
        if check:
            check(back)
        give_back(registry, now, back)
    return now or back, back


def give_back(registry: Registry, now: Version | None, back: Version, **details: str) -> None:
    """Let a version be champion again, within `held`; the details stand in the journal.

    Champions between the two are set aside with the one that goes: who goes back behind them does not want them by the next roll-back.
    """
    aside = between(registry, back, now)
    told = {"instead_of": now.number if now else "", **({"set_aside": " ".join(aside)} if aside else {}), **details}
    registry.note("rolling back", back.number, **told, **before_it(registry, back))
    for number in (*aside, *((now.number,) if now else ())):
        registry.tag(number, "rolled_back", "true")
    registry.tag(back.number, "rolled_back", "false")
    registry.alias("champion", back.number)
    point_to_previous(registry, back.number)
    registry.note("rolled back", back.number, **told)


def between(registry: Registry, back: Version, now: Version | None) -> list[str]:
    """The numbers of the champions after one and before another that were not rolled back."""
    since = [one for one in registry.versions() if now and back.promoted < one.promoted < now.promoted]
    return [one.number for one in since if not one.rolled_back]


@answered
def note_fault(registry: Registry, event: Literal["unfit", "barred"], version: Version, why: str) -> None:
    """Write into the journal that a version failed its smoke test after a roll-back to it, and stays champion; or that it is
    not what it was when it was registered, and was refused for that."""
    with registry.journal.held():
        registry.note(event, version.number, why=why)


@answered
def withdraw(
    registry: Registry, version: Version, why: str, check: Callable[[Version], None] | None = None
) -> Version | None:
    """Take back a champion that proved unfit when it was tried: the one before it is champion again, or nobody is.

    Where somebody else changed the champion meanwhile, nothing is done.

    Args:
        why: for the journal.
        check: says that the one before is not what it was by raising `BrokenLink`; then the one before that is asked.

    Returns:
        The champion now.
    """
    with registry.journal.held():
        settle(registry)
        if registry.aliases().get("champion") != version.number:
            return registry.champion()
        now = registry.version(version.number)
        back = fit(registry, before(registry, now), check)
        if back is not None:
            give_back(registry, now, back, why=why)
            return registry.version(back.number)
        registry.note("withdrawing", now.number, why=why)
        take_away(registry, now.number)
        registry.note("withdrawn", now.number, why=why)
    return None


def fit(registry: Registry, version: Version | None, check: Callable[[Version], None] | None) -> Version | None:
    """The version, or the first champion before it that is what it was; None where none is.

    A check that cannot be made, since MLflow does not answer, speaks against nobody: what wrote until now writes better than no one.
    """
    while version is not None:
        try:
            if check:
                check(version)
        except BrokenLink:
            version = before(registry, version)
        except UserError:
            return version
        else:
            return version
    return None


def take_away(registry: Registry, number: str) -> None:
    """Let nobody be champion; the version does not become it again by itself."""
    registry.tag(number, "rolled_back", "true")
    registry.alias("previous", None)
    registry.alias("champion", None)


def settle(registry: Registry) -> list[str]:
    """Bring the journal to what MLflow says, within `held`: after a crash, or after someone used MLflow directly.

    What was begun and is done in MLflow becomes done, and what is not is abandoned; versions and a champion that the
    journal does not know are found.

    Returns:
        What was mended, in words.
    """
    mended = finish(registry)
    champion = registry.aliases().get("champion")
    mended += unfinished(registry, registry.journal.read(), champion)
    mended += returned(registry)
    champion = registry.aliases().get("champion")  # what was begun may have been taking it away
    versions = sorted(registry.versions(), key=lambda one: int(one.number))
    known = {entry.version for entry in registry.journal.read().entries if entry.event in ("registered", "found")}
    for version in versions:
        if version.number not in known:
            registry.note("found", version.number, **version.identity)
            mended.append(f"version {version.number} was not in the journal yet")
    told = registry.journal.read().champion
    if told != champion and champion in {one.number for one in versions}:
        enthrone(registry, versions, champion, told)
        registry.note("found", champion, alias="champion")
        mended.append(f"version {champion} became champion outside of this program")
    return [*mended, *straightened(registry), *anchored(registry)]


def enthrone(registry: Registry, versions: Sequence[Version], champion: str, former: str | None) -> None:
    """Let a version that somebody made champion in MLflow stand where one that was promoted does, so that a roll-back finds its way."""
    last = max(versions, key=lambda one: one.promoted, default=None)
    if last is None or last.number != champion or not last.promoted:
        registry.tag(champion, "promoted", str(1 + (last.promoted if last else 0)))
    registry.tag(champion, "rolled_back", "false")
    if former in {one.number for one in versions}:
        registry.alias("previous", former)


def returned(registry: Registry) -> list[str]:
    """Give the champion that the journal tells of its alias back, within `held`, where somebody took it away in MLflow.

    Nobody is to be promoted without a comparison because of that. An alias on a version that does not count is none.
    """
    told, known = registry.journal.read().champion, {one.number for one in registry.versions()}
    if told not in known or registry.aliases().get("champion") in known:
        return []
    registry.alias("champion", told)
    return [f"version {told} is champion, and had lost the alias"]


def straightened(registry: Registry) -> list[str]:
    """The champion is neither the candidate nor its own predecessor: a change of the champion may die before it says so."""
    aliases, mended = registry.aliases(), []
    champion = aliases.get("champion")
    known = {one.number: one for one in registry.versions()}
    if champion in known and (known[champion].awaited or known[champion].rejected):
        # the rules ask nobody any more, or somebody brought it back
        registry.tag(known[champion].number, APPROVAL, "")
    if champion and aliases.get("candidate") == champion:
        registry.alias("candidate", None)
        mended.append(f"version {champion} is champion, and was still called candidate")
    if champion and aliases.get("previous") == champion:
        point_to_previous(registry, champion)
        mended.append(f"version {champion} is champion, and was still called previous")
    return mended


def point_to_previous(registry: Registry, champion: str) -> None:
    """Let the alias `previous` name the champion before."""
    further = before(registry, registry.version(champion))
    registry.alias("previous", further.number if further else None)


def anchored(registry: Registry) -> list[str]:
    """Let MLflow know the end of the journal, where a process died between the two; a broken one is left for people to see."""
    chain, anchor = registry.journal.read(), registry.anchor()
    if chain.faults or chain.head == anchor or chain.missing(anchor):
        return []
    registry.anchor_to(chain.head)
    return ["MLflow did not know the last entry of the journal yet"]


def unfinished(registry: Registry, chain: Chain, champion: str | None) -> list[str]:
    """Settle what the last entry says was begun."""
    last = chain.begun
    if last is None:
        return []
    if last.event == "withdrawing":
        if champion == last.version:
            take_away(registry, last.version)
        registry.note("withdrawn", last.version, **last.details, settled="after a crash")
        return [f"withdrawing version {last.version} was done, though its process died"]
    if champion != last.version:
        undo(registry, last, champion)
        registry.note("abandoned", last.version, what=last.event, **last.details)
        return [f"{last.event} to version {last.version} was broken off; version {champion or 'none'} is champion"]
    if last.event == "rolling back":
        point_to_previous(registry, champion)  # of the two aliases it comes second
    done = "promoted" if last.event == "promoting" else "rolled back"
    registry.note(done, last.version, **last.details, settled="after a crash")
    return [f"{last.event} to version {last.version} was done, though its process died"]


def undo(registry: Registry, begun: Entry, champion: str | None) -> None:
    """Take back what a broken change left in MLflow beside the alias `champion`, which it had not reached.

    A broken roll-back is not brought to its end: whoever asked for it asks again, and would then go back twice.
    """
    there = {version.number for version in registry.versions()}  # somebody may have deleted one in MLflow meanwhile
    if begun.version in there:
        # a version that was rolled back stays so: it must not return by itself because somebody began to bring it back
        registry.tag(begun.version, "promoted", begun.details.get("promoted_before", "0"))
        registry.tag(begun.version, "rolled_back", begun.details.get("rolled_back_before", "false"))
    aside = begun.details.get("set_aside", "").split()
    gone = (begun.details.get("instead_of", ""), champion or "") if begun.event == "rolling back" else ()
    for number in there.intersection((*aside, *gone)):
        registry.tag(number, "rolled_back", "false")
    if "previous_before" in begun.details:
        previous = begun.details["previous_before"]
        registry.alias("previous", previous if previous in there else None)
    elif champion:  # an entry from before that was told
        point_to_previous(registry, champion)
