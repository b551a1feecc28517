"""A person's word: what the journal keeps of it, which decision it is about, and when it no longer counts."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ecom_llm.records import UserError
from ecom_llm.registry import Version
from ecom_llm.registry.approvals import answer_by, ask, given, record_answer, record_silence, was_rejected
from ecom_llm.registry.decisions import TOLD
from ecom_llm.registry.journal import Journal
from flows.history import line

DECISION = "d" * 64


@dataclass
class Kept:
    """A registry in memory, with a journal on the disk."""

    journal: Journal
    tags: dict[str, dict[str, str]]
    numbers: dict[str, str] = field(default_factory=dict)
    decision: str = DECISION
    uri: str = "memory"

    def version(self, number: str) -> Version:
        return Version(model_name="shop", number=number, run_id=number, tags=self.tags[number])

    def aliases(self) -> dict[str, str]:
        return self.numbers

    def tag(self, number: str, key: str, value: str) -> None:
        self.tags[number][key] = value

    def note(self, event: str, version: str, **details: str) -> None:
        self.journal.append(event, version, **details)

    def decision_hashes(self, version: Version) -> dict[str, str]:
        return {TOLD: self.decision}


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Version 1 is champion; version 2 was compared with it and approved by the gate."""
    two = {"gate": "approved", "decision_key": "rules", "compared_with": "1"}
    made = Kept(Journal(tmp_path / "shop.jsonl"), {"1": {"gate": "approved"}, "2": two}, {"champion": "1"})
    with made.journal.held():
        made.note("promoted", "1")
        made.note("decided", "2", gate="approved", sha256=DECISION)
    return made


def say(kept: Kept, approved: bool, name: str = "Ann", comment: str = "", rules: str = "rules", **more: str) -> None:
    record_answer(kept, kept.version("2"), answer_by(approved, name, comment), rules, **more)


def test_an_approval_stands_in_the_journal_and_beside_the_version(kept):
    ask(kept, kept.version("2"))
    assert kept.version("2").awaited
    say(kept, True, "Ann", "read fifty texts")
    entry = kept.journal.read().entries[-1]
    assert (entry.event, entry.version) == ("approved", "2")
    assert entry.details == {"name": "Ann", "comment": "read fifty texts", "decision": DECISION}
    assert kept.version("2").approved and not kept.version("2").awaited
    assert "version 2    approved     by Ann, read fifty texts" in line(entry)


def test_the_same_approval_is_written_once(kept):
    say(kept, True)
    say(kept, True, "Ben")
    assert [entry.event for entry in kept.journal.read().entries] == ["promoted", "decided", "approved"]


def test_after_a_rejection_another_decision_is_asked_for(kept):
    say(kept, False, "Ann", "superlatives")
    assert kept.version("2").rejected
    with pytest.raises(
        UserError, match=r"shop version 2 was rejected by Ann at .*\. To decide anew: ecom-llm promote 2$"
    ):
        say(kept, True, "Ben")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gate": "refused"}, "was refused by the gate, so there is nothing to approve"),
        ({"gate": "pending"}, "was not decided on yet"),
        ({"decision_key": "other"}, "was decided on by other rules than these"),
        ({"compared_with": ""}, "was compared with no champion, and now there is version 1"),
        ({"compared_with": "7"}, "was compared with version 7, and now there is version 1"),
    ],
)
def test_a_word_on_what_has_changed_since_does_not_count(kept, change, words):
    kept.tags["2"] |= change
    with pytest.raises(UserError, match=f"shop version 2 {words}.* To decide anew: ecom-llm promote 2"):
        say(kept, True)
    assert kept.journal.read().entries[-1].event == "decided"


def test_what_was_rolled_back_is_not_approved_unless_somebody_asked_anew(kept):
    """Its tags say as before that the gate approved it, over the champion that is champion again."""
    kept.tags["2"]["rolled_back"] = "true"
    with pytest.raises(
        UserError, match=r"was rolled back, and nobody asked for it since\. To decide anew: ecom-llm promote 2"
    ):
        say(kept, True)
    ask(kept, kept.version("2"))
    say(kept, True)
    assert kept.version("2").approved


def test_a_champion_needs_no_approval(kept):
    kept.numbers["champion"] = "2"
    with pytest.raises(UserError, match="is champion already"):
        say(kept, True)


def test_a_decision_that_was_changed_or_made_anew_is_not_answered(kept):
    with pytest.raises(UserError, match="was decided on anew meanwhile"):
        say(kept, True, seen="e" * 64)
    kept.decision = "f" * 64
    with pytest.raises(UserError, match="its decision is not the one the journal knows: ecom-llm verify 2"):
        say(kept, True)


def test_an_approval_holds_over_the_same_decision_made_anew_but_not_over_another_champion(kept):
    say(kept, True)
    with kept.journal.held():
        kept.note("decided", "2", gate="approved", sha256=DECISION)
    assert given(kept.journal.read(), kept.version("2"), DECISION).event == "approved"
    with kept.journal.held():
        kept.note("promoted", "2")
        kept.note("rolled back", "1")
        kept.note("decided", "2", gate="approved", sha256=DECISION)
    assert given(kept.journal.read(), kept.version("2"), DECISION) is None


def test_what_the_journal_keeps_is_one_plain_line_without_passwords():
    answer = answer_by(True, " Ann\n\x1b[31m ", "see https://ann:pass@example.org/x?token=abc\tthere " + "x" * 2000)
    assert answer.name == "Ann [31m"
    assert answer.comment.startswith("see https://***example.org/x*** there xxx")
    assert len(answer.comment) == 1000


@pytest.mark.parametrize("name", ["", "  ", "\n"])
def test_nobody_is_no_name(name):
    with pytest.raises(UserError, match="an answer needs a name"):
        answer_by(True, name, "")


def test_who_asks_anew_by_hand_may_approve_what_was_rejected(kept):
    say(kept, False, "Ann")
    ask(kept, kept.version("2"))
    say(kept, True, "Ben")
    assert [entry.event for entry in kept.journal.read().entries[-2:]] == ["rejected", "approved"]


def test_that_nobody_answered_stands_in_the_journal_and_is_no_answer(kept):
    ask(kept, kept.version("2"))
    record_silence(kept, kept.version("2"), DECISION, 60)
    entry = kept.journal.read().entries[-1]
    assert (entry.event, entry.version, entry.details) == ("unanswered", "2", {"decision": DECISION, "seconds": "60"})
    assert "version 2    unanswered   seconds asked: 60" in line(entry)
    assert given(kept.journal.read(), kept.version("2"), DECISION) is None
    say(kept, True)
    record_silence(kept, kept.version("2"), DECISION, 60)  # somebody answered on the command line at the last moment
    assert [one.event for one in kept.journal.read().entries[-2:]] == ["unanswered", "approved"]


def test_a_rejection_holds_though_nobody_answered_when_asked_again(kept):
    say(kept, False)
    ask(kept, kept.version("2"))
    record_silence(kept, kept.version("2"), DECISION, 60)
    assert kept.journal.read().entries[-1].event == "unanswered"
    assert was_rejected(kept.journal.read(), kept.version("2"))
