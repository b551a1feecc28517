"""Between the gate and the champion: who is asked, and what comes of each answer. Prefect's own part is tested end to end."""

from types import SimpleNamespace

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from ecom_llm.promote.decision import GateDecision
from ecom_llm.records import UserError
from ecom_llm.registry import Version
from ecom_llm.registry.approvals import Overtaken
from tasks import approval
from tasks.approval import Approval, concluded, release

RULES = SimpleNamespace(approval=SimpleNamespace(needed=True, timeout=5))
DECISION = GateDecision(
    approved=True, model_name="shop", candidate="2", compared_with="1", rules_key="rules", checks=(), notes=("note",)
)


class Shop:
    """Version 2 waits; what is done is written down."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.tags, self.done, self.word, self.refusal = {"gate": "approved"}, [], None, ""
        self.champion, self.form = "1", None
        self.journal = SimpleNamespace(read=lambda: None)
        for name, found in {
            "open_registry": lambda name, layout: self,
            "promote_to_champion": self.promote,
            "given": lambda chain, version, decision: self.word if decision == "d" * 64 else None,
            "was_rejected": lambda chain, version: self.tags.get("was") == "rejected",
            "ask": lambda registry, version: self.done.append("asked"),
            "digest_of": lambda decision: "d" * 64,
            "rules_key": lambda rules: "key",
            "keep_answer": self.keep,
            "record_silence": lambda registry, version, seen, seconds: self.done.append(f"silent for {seconds} s"),
            "paused": self.paused,
            "run_logger": lambda: SimpleNamespace(warning=lambda *_: None),
        }.items():
            patch.setattr(approval, name, found)

    def promote(self, version: Version, by_hand: bool, compared_with: str, decided: str, word: bool) -> str:
        assert decided == "d" * 64
        if compared_with != self.champion:
            raise Overtaken(f"compared with {compared_with}, and {self.champion} is champion")
        self.done.append(f"promoted, by hand: {by_hand}" if word else f"promoted unasked, by hand: {by_hand}")
        return ""

    def version(self, number: str) -> Version:
        return Version(model_name="shop", number=number, run_id=number, tags=self.tags)

    def aliases(self) -> dict[str, str]:
        return {"champion": self.champion}

    def keep(self, version: Version, answer: approval.Answer, key: str, seen: str) -> None:
        if self.refusal:
            raise UserError(self.refusal)
        self.done.append(f"{answer.approved} by {answer.name}: {answer.comment}")

    def paused(self, description: str, timeout: int, key: str) -> Approval | None:
        assert "**Approved: shop version 2 passed all 0 checks.**" in description and "- note" in description
        assert (timeout, key) == (5, "d" * 16)
        return self.form

    def release(self, page: bool = True, rules: SimpleNamespace = RULES, by_hand: bool = False) -> str:
        changed = (
            {"updates": {PREFECT_API_URL: "http://127.0.0.1:1/api"}}
            if page
            else {"restore_defaults": {PREFECT_API_URL}}
        )
        with temporary_settings(**changed):
            return release(self.version("2"), DECISION, rules, by_hand)


@pytest.fixture
def shop(monkeypatch) -> Shop:
    return Shop(monkeypatch)


def word(event: str) -> SimpleNamespace:
    return SimpleNamespace(event=event, details={"name": "Ann", "comment": "no"})


def test_nobody_is_asked_where_the_rules_do_not(shop):
    rules = SimpleNamespace(approval=SimpleNamespace(needed=False, timeout=5))
    assert shop.release(rules=rules) == ""
    assert shop.done == ["promoted unasked, by hand: False"]


def test_a_rejection_holds_whatever_tag_a_later_question_left(shop):
    """Asked for again by hand, unanswered: then the rules ask nobody any more, and a scheduled run comes by."""
    shop.tags |= {"approval": "awaited", "was": "rejected"}
    rules = SimpleNamespace(approval=SimpleNamespace(needed=False, timeout=5))
    assert "was rejected by a person and does not become champion by itself" in shop.release(rules=rules)
    assert shop.done == []


def test_a_champion_is_not_asked_about_again(shop):
    shop.champion = "2"
    assert shop.release() == ""
    assert shop.done == []


def test_a_champion_that_mlflow_kept_from_being_tried_is_tried(shop, monkeypatch):
    shop.champion, shop.tags["smoke_test"] = "2", "pending"
    monkeypatch.setattr(approval, "promote_to_champion", lambda version, by_hand: f"{version.number} was tried")
    assert shop.release() == "2 was tried" and shop.done == []


def test_without_a_page_the_run_ends_and_names_the_commands(shop):
    answer = "2 --name YOUR-NAME"
    expected = f"shop version 2 awaits approval: ecom-llm approve {answer}, or ecom-llm reject {answer}"
    assert shop.release(page=False) == expected
    assert shop.done == ["asked"]


def test_an_approval_in_the_form_is_kept_before_the_promotion(shop):
    shop.form = Approval(decision="approve", name="Ann", comment="good")
    assert shop.release() == ""
    assert shop.done == ["asked", "True by Ann: good", "promoted, by hand: False"]


def test_a_rejection_promotes_nothing(shop):
    shop.form = Approval(decision="reject", name="Ann", comment="superlatives")
    assert shop.release() == "shop version 2 was rejected by Ann (superlatives). To decide anew: ecom-llm promote 2"
    assert shop.done == ["asked", "False by Ann: superlatives"]


def test_an_answer_that_no_longer_counts_is_told_and_promotes_nothing(shop):
    shop.form = Approval(decision="approve", name="Ann")
    shop.refusal = "shop version 2 was compared with version 1, and now there is version 3."
    assert shop.release() == shop.refusal
    assert shop.done == ["asked"]


def test_a_name_of_blanks_is_told_and_promotes_nothing(shop):
    shop.form = Approval.model_construct(decision="approve", name="\u200b", comment="")
    assert "an answer needs a name" in shop.release()
    assert shop.done == ["asked"]


def test_a_form_that_nobody_filled_in_promotes_nothing(shop):
    assert shop.release().startswith("nobody answered within 5 s. shop version 2 awaits approval: ecom-llm approve 2")
    assert shop.done == ["asked", "silent for 5 s"]


@pytest.mark.parametrize(("event", "why"), [("approved", ""), ("rejected", "shop version 2 was rejected by Ann (no).")])
def test_meanwhile_somebody_may_have_answered_on_the_command_line(shop, monkeypatch, event, why):
    def paused(*_, **__) -> None:
        shop.word, shop.tags["approval"] = word(event), event

    monkeypatch.setattr(approval, "paused", paused)
    told = shop.release()
    assert told.startswith(why) and bool(told) == bool(why)


def test_a_word_that_was_used_up_while_the_form_was_open_promotes_nothing(shop, monkeypatch):
    """Approved on the command line, promoted and rolled back: the tag still says approved, the journal has no word that counts."""

    def paused(*_, **__) -> None:
        shop.tags |= {"approval": "approved", "rolled_back": "true"}

    monkeypatch.setattr(approval, "paused", paused)
    assert shop.release().startswith("nobody answered within 5 s.")
    shop.word = word("approved")
    assert shop.release(by_hand=True).startswith("nobody answered within 5 s."), "it was rolled back"
    assert "promoted, by hand: True" not in shop.done


def test_another_champion_since_the_decision_is_told(shop):
    shop.champion, shop.word = "3", word("approved")
    assert shop.release() == "compared with 1, and 3 is champion"
    assert shop.done == []


def test_an_approval_from_before_a_crash_counts(shop):
    shop.word = word("approved")
    assert shop.release() == ""
    assert shop.done == ["promoted, by hand: False"]


def test_a_rejected_version_is_not_promoted_by_itself_but_a_person_may_ask_anew(shop):
    shop.tags["approval"] = "rejected"
    shop.form = Approval(decision="approve", name="Ben")
    assert "was rejected by a person and does not become champion by itself" in shop.release()
    assert shop.done == []
    assert shop.release(by_hand=True) == ""
    assert shop.done == ["asked", "True by Ben: ", "promoted, by hand: True"]


def test_what_was_withheld_is_a_completed_run_with_its_reason():
    assert concluded(DECISION, "") is DECISION
    state = concluded(DECISION, "nobody answered")
    assert (state.type.value, state.message) == ("COMPLETED", "Not promoted: nobody answered")
