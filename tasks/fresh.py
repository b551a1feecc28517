"""A fresh champion is tried at once, and taken back where it does not write; so is one whose process was killed before that."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from ecom_llm.registry import Registry, Version, withdraw
from tasks.chain.follow import ITSELF, require
from tasks.events import ROLLED_BACK, tell_champion
from tasks.gpu import turn_to_try
from tasks.holds import one_at_a_time
from tasks.logs import run_logger
from tasks.smoke import smoke_test

PATIENCE = 60.0
"""Seconds that a champion left untried may wait for the GPU, before what comes after waits no longer for it."""


@contextmanager
def trying(registry: Registry) -> Iterator[None]:
    """Be the one who makes a version champion and tries it: two at a time might fail for want of memory."""
    with one_at_a_time(registry.journal.file.with_suffix(".trial")):
        yield


def tried(registry: Registry, version: Version, layout: Layout) -> str:
    """Let a new champion write, and take it back where it does not, or cannot be asked; returns why, empty where it stays."""
    try:
        unfit = smoke_test(registry, version)
    except (UserError, OSError) as error:
        unfit = f"it could not be tried: {error}"
    except BaseException:  # cancelled, mostly: the champion before goes on, and this one may be promoted again
        taken_back(registry, version, "its trial was broken off", layout)
        raise
    # that it failed is kept last: until it is taken back, it is one that reconcile tries
    why = taken_back(registry, version, unfit, layout) if unfit else ""
    registry.keep_trial(version, passed=not unfit)
    return why


def taken_back(registry: Registry, version: Version, unfit: str, layout: Layout) -> str:
    """Withdraw a champion that failed its smoke test, and tell of it; returns the reason, and who writes now."""
    now = withdraw(registry, version, unfit, lambda back: require(registry, back, layout.workspace, ITSELF))
    if now is not None:
        tell_champion(ROLLED_BACK, now, version.number)
    again = f"version {now.number} is champion" if now is not None else "nobody is champion"
    why = f"{registry.model_name} version {version.number} failed its smoke test ({unfit}) and was taken back; {again}"
    run_logger().error("Not promoted: %s", why)
    return why


def try_untried(registry: Registry, layout: Layout) -> list[str]:
    """Try a champion whose process was killed between its promotion and the end of its smoke test; what came of it, in words.

    Raises:
        UserError: the GPU is taken, or Prefect does not answer, which knows whether it is.
    """
    from httpx import HTTPError

    with ExitStack() as held:
        try:
            held.enter_context(turn_to_try(PATIENCE))
        except TimeoutError as error:
            raise UserError(f"{registry.model_name}: the champion was not tried yet, and the GPU is taken.") from error
        except (HTTPError, RuntimeError) as error:  # the latter where its temporary server does not start
            raise UserError(
                f"{registry.model_name}: the champion was not tried yet, and Prefect, which gives out the GPU, does not answer ({error})."
            ) from error
        held.enter_context(trying(registry))
        champion = registry.champion()  # a living promotion may have tried it meanwhile
        if champion is None or not champion.untried:
            return []
        why = tried(registry, champion, layout)
    return [why or f"{registry.model_name}: champion {champion.number} had not been tried yet: it writes"]
