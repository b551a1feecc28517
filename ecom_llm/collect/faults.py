"""What goes wrong at an address, in words: each place has its own exceptions, of packages that need not be installed."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from ecom_llm.params.location import CREDENTIALS, is_web, masked
from ecom_llm.records import UserError

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.ENAMETOOLONG)
"""Faults of this machine, which are not the place's."""


@contextmanager
def spoken_of(address: str) -> Iterator[None]:
    """Say of a place's failure what it means, without a traceback and without what might be a secret."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # each place has its own kinds, of packages that need not be installed
        if isinstance(error, OSError) and error.errno in DISK:
            raise
        # not `from error`: addresses to which a server redirects may carry a signature, and logs print causes
        raise refusal(error, address) from None


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def status_of(error: Exception) -> int | None:
    """The HTTP status behind a failure, where there is one."""
    return next((found for one in chain(error) if isinstance(found := getattr(one, "status", None), int)), None)


def is_missing(error: Exception) -> bool:
    """Whether the place answered that there is nothing."""
    return status_of(error) in (404, 410)


def reason_of(error: BaseException) -> str:
    """A failure in a few words."""
    return masked(" ".join(str(error).split()))[:200] or type(error).__name__


def refusal(error: Exception, address: str) -> UserError:
    """What to tell of a place that gave an error instead of data."""
    led, status = list(chain(error)), status_of(error)
    unsigned = any("Credentials" in type(one).__name__ for one in led)
    if status in (401, 403) or unsigned or isinstance(error, PermissionError):
        wanted = CREDENTIALS[address.partition("://")[0]]
        return UserError(
            f"{address}: may not be read ({status or reason_of(error)}). Give credentials by the environment: {wanted}."
        )
    if is_missing(error) or (isinstance(error, FileNotFoundError) and not (is_web(address) and error.__cause__)):
        return UserError(f"{address}: there is nothing. Check the address.")
    if status is not None:
        return UserError(f"{address}: its server answered with the error {status}. Try again later.")
    # of http, fsspec says FileNotFoundError, and only its cause why
    return UserError(f"{address}: does not answer ({reason_of(led[min(1, len(led) - 1)])}). Check address and network.")
