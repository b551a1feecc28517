"""A person's word on what the gate approved: in the journal, bound to the decision it is about."""

from typing import Annotated

from pydantic import AfterValidator, Field

from ecom_llm.params.location import masked
from ecom_llm.records import Record, UserError
from ecom_llm.registry.decisions import TOLD
from ecom_llm.registry.journal import ANSWERS, CHAMPION_SINCE, Chain, Entry
from ecom_llm.registry.versions import APPROVAL, Registry, Version, answered

LONGEST = 1000
"""Characters of a name or comment that the journal keeps."""


def plain(text: str) -> str:
    """A text on one line, without what a terminal would obey, and without secrets in addresses: the journal forgets nothing."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return masked(" ".join(printable.split()))[:LONGEST]


class Answer(Record):
    """What a person said of a decision."""

    approved: bool
    name: Annotated[str, AfterValidator(plain), Field(min_length=1)]
    """The name that was given: nobody checks it. The journal keeps the account and host beside it."""
    comment: Annotated[str, AfterValidator(plain)] = ""


def answer_by(approved: bool, name: str, comment: str) -> Answer:
    """An answer.

    Raises:
        UserError: the name is empty.
    """
    if not plain(name):
        raise UserError("an answer needs a name, so that the journal can tell who decided: --name NAME.")
    return Answer(approved=approved, name=name, comment=comment)


@answered
def decision_hash(registry: Registry, version: Version) -> str:
    """SHA-256 of the version's last decision, as MLflow keeps it.

    Raises:
        UserError: it is not there, or not the one of which the journal has the hash.
    """
    found = registry.decision_hashes(version).get(TOLD)
    noted = last_decision(registry.journal.read(), version.number)
    if found is None or (noted and noted.details.get("sha256") != found):
        raise UserError(
            f"{named(version)}: its decision is not the one the journal knows: ecom-llm verify {version.number} says more. "
            f"{anew(version)}"
        )
    return found


def last_decision(chain: Chain, number: str) -> Entry | None:
    """The journal's last decision on a version."""
    decided = (one for one in reversed(chain.entries) if one.event == "decided" and one.version == number)
    return next(decided, None)


def named(version: Version) -> str:
    return f"{version.model_name} version {version.number}"


def anew(version: Version) -> str:
    return f"To decide anew: ecom-llm promote {version.number}"


def given(chain: Chain, version: Version, decision: str) -> Entry | None:
    """The last answer to that decision of the version; None where there is none, or the champion has changed since.

    A decision that is made anew with the same result is the same one. What was approved and promoted is used up: a version
    that was rolled back since needs another word.
    """
    for entry in reversed(chain.entries):
        if entry.event in CHAMPION_SINCE and entry.champion:
            return None
        if entry.event in ANSWERS and entry.version == version.number and entry.details.get("decision") == decision:
            return entry
    return None


def was_rejected(chain: Chain, version: Version) -> bool:
    """Whether the last that people said of a version, or did with it, is that they rejected it."""
    own = (entry for entry in reversed(chain.entries) if entry.version == version.number)
    last = next((entry for entry in own if entry.event in (*ANSWERS, *CHAMPION_SINCE)), None)
    return last is not None and last.event == "rejected"


class Overtaken(UserError):
    """Something else is so by now than a version was approved by: its approval says nothing about it."""


def require_decided(chain: Chain, version: Version, decided: str | None, word: bool) -> None:
    """Check that a decision is a version's last one, and approves it; and where it has to, that a person approves that one.

    Args:
        decided: SHA-256 of the decision; None asks for nothing.

    Raises:
        Overtaken: says what is so instead.
    """
    if decided is None:
        return
    last = last_decision(chain, version.number)
    if last is None or last.details.get("sha256") != decided or last.details.get("gate") != "approved":
        became = f"as {last.details.get('gate')}" if last else "nowhere that the journal knows"
        raise Overtaken(f"{named(version)} was decided on anew meanwhile, {became}. {anew(version)}")
    said = given(chain, version, decided) if word else None
    if word and (said is None or said.event != "approved"):
        how = f"was rejected by {said.details.get('name')} meanwhile" if said else "was approved by nobody"
        raise Overtaken(f"{named(version)} {how}. {anew(version)}")


def require_compared(version: Version, compared_with: str, champion: str) -> None:
    """Check that a version was compared with the champion; empty is none.

    Raises:
        Overtaken: it was not; says how to decide anew.
    """
    if champion != compared_with:
        was, now = (f"version {one}" if one else "no champion" for one in (compared_with, champion))
        raise Overtaken(f"{named(version)} was compared with {was}, and now there is {now}. {anew(version)}")


def require_open(registry: Registry, version: Version, rules_key: str) -> None:
    """Check that a person's word still counts: the gate approved the version by these rules, against this champion.

    Raises:
        UserError: says what changed, and how to decide anew.
    """
    champion = registry.aliases().get("champion", "")
    if champion == version.number:
        raise UserError(f"{named(version)} is champion already.")
    if version.rolled_back and not version.awaited:
        raise UserError(f"{named(version)} was rolled back, and nobody asked for it since. {anew(version)}")
    if version.tags.get("gate") != "approved":
        became = "was refused by the gate" if version.tags.get("gate") == "refused" else "was not decided on yet"
        raise UserError(f"{named(version)} {became}, so there is nothing to approve. {anew(version)}")
    if version.tags.get("decision_key") != rules_key:
        raise UserError(
            f"{named(version)} was decided on by other rules than these (promote in params.yaml; a run's --recipe is to be "
            f"named here, too). {anew(version)}"
        )
    require_compared(version, version.tags.get("compared_with", ""), champion)


@answered
def ask(registry: Registry, version: Version) -> None:
    """Let MLflow show that a person is to answer."""
    registry.tag(version.number, APPROVAL, "awaited")


@answered
def record_silence(registry: Registry, version: Version, decision: str, seconds: int) -> None:
    """Write into the journal that nobody answered to a decision while it was asked; not where somebody has by now."""
    with registry.journal.held():
        if registry.version(version.number).awaited:
            registry.note("unanswered", version.number, decision=decision, seconds=str(seconds))


@answered
def record_answer(registry: Registry, version: Version, answer: Answer, rules_key: str, seen: str | None = None) -> str:
    """Write an answer into the journal and beside the version, if it still counts; the same approval is written once.

    Args:
        rules_key: of the rules that hold now.
        seen: SHA-256 of the decision that the person was shown; None where they go by the version's last one.

    Returns:
        SHA-256 of the decision that was answered.

    Raises:
        UserError: as `require_open`; or the decision was answered already.
    """
    with registry.journal.held():
        version = registry.version(version.number)
        require_open(registry, version, rules_key)
        decision = decision_hash(registry, version)
        if seen not in (None, decision):
            raise UserError(f"{named(version)} was decided on anew meanwhile. {anew(version)}")
        before = given(registry.journal.read(), version, decision)
        if version.rejected:  # and nobody asked anew by hand
            by = f"{before.details.get('name')} at {before.time}" if before else "a person"
            raise UserError(f"{named(version)} was rejected by {by}. {anew(version)}")
        event = "approved" if answer.approved else "rejected"
        if before is None or before.event != event:
            registry.note(event, version.number, name=answer.name, comment=answer.comment, decision=decision)
        registry.tag(version.number, APPROVAL, event)
    return decision
