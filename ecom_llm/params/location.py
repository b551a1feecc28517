"""Where data may lie: a path of this machine, or an address (a URL) that DVC and fsspec both read and that tells no secret."""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from ecom_llm.records import UserError

CREDENTIALS = {
    "http": "a line of ~/.netrc",
    "https": "a line of ~/.netrc",
    "s3": "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "azure": "AZURE_STORAGE_CONNECTION_STRING",
}
"""What an address may begin with (DVC hashes these, and fsspec reads them), and where its credentials come from."""
WEB = ("http", "https")
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]*")
SECRET_PARTS = re.compile(r"(?<=://)[^/?@]*@|\?.*")
"""The parts of an address in which passwords and tokens stand: before the host, and behind the question mark."""
HIDDEN = "***"
"""What stands in the place of a secret."""
HOST = re.compile(r"(\[[0-9A-Fa-f:]+\]|[\w.-]+)(:\d{1,5})?")
PLAIN_VALUE = re.compile(r"[A-Za-z]{0,16}|\d{1,10}|\d{4}-\d\d-\d\d")
"""What a query may say: words, numbers and dates, as in `?format=csv&gid=0`. Tokens mix letters and digits, or are long."""
PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{2,23}")
SECRET_NAME = re.compile(r"key|tok|sig|secret|pass|pw|auth|cred|code|user|login|sess|sas|jwt|api|bearer", re.IGNORECASE)


def is_address(location: str) -> bool:
    """Whether a location is a URL and no path."""
    return ADDRESS.match(location) is not None


def is_web(address: str) -> bool:
    """Whether an address is one of http or https."""
    return address.partition("://")[0] in WEB


def masked(text: str) -> str:
    """A text, in which addresses may stand, without what might be a secret in them."""
    return IN_TEXT.sub(lambda found: SECRET_PARTS.sub(HIDDEN, found[0]), text)


def masked_address(address: str) -> str:
    """A server's address as it may be shown and kept: without user, password and a query that could tell a secret.

    All before the last @ is taken for user and password: databases let slashes and question marks stand in them. What was masked
    once stays as it is, so that masked forms can be compared.
    """
    scheme, there, rest = address.partition("://")
    place, question, query = rest.partition("?")
    if not there:
        return address
    if "@" in query:  # the password holds the question mark, or the query an address: nothing tells which
        return f"{scheme}://{HIDDEN}"
    if "@" in place and not place.startswith("/"):  # a file has no user
        place = f"{HIDDEN}@{place.rpartition('@')[2]}"
    return f"{scheme}://{place}{question}{query if not query or is_plain(query) else HIDDEN}"


def bare_address(address: str) -> str:
    """A server's address without all that `masked_address` hides, as links begin and as whoever needs no rights may ask it."""
    return masked_address(address).replace(f"{HIDDEN}@", "", 1).partition("?")[0]


def require_no_secret(location: str) -> None:
    """Refuse an address that could tell a secret: it goes into logs, dvc.lock, MLflow and Prefect, where many can read it.

    Raises:
        UserError: names the address without what may be secret.
    """
    scheme, _, rest = location.partition("://")
    address, question, query = rest.partition("?")
    host = re.split(r"[/#\\]", address, maxsplit=1)[0]
    # a password with a slash in it puts the @ behind what looks like the host, which then is none
    if "@" in host or ("@" in address and not HOST.fullmatch(host)):
        raise UserError(
            f"{scheme}://***@{address.rpartition('@')[2]}: holds a user or password, which would be written into logs, "
            f"dvc.lock and MLflow. Remove it and use the environment: {CREDENTIALS.get(scheme, 'a variable')}."
        )
    if question and not is_plain(query):
        raise UserError(
            f"{masked(location)}: what stands behind the question mark may be a token, which would be written into logs, "
            "dvc.lock and MLflow. Only words, numbers and dates may stand there. Use the environment "
            f"({CREDENTIALS.get(scheme, 'a variable')}), or download the file and name its path."
        )


def is_plain(query: str) -> bool:
    """Whether no part of a query may well be a secret."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    except ValueError:  # a word without `=`
        return False
    return all(
        PLAIN_NAME.fullmatch(name) and PLAIN_VALUE.fullmatch(value) and not SECRET_NAME.search(name)
        for name, value in pairs
    )


def require_readable_kind(location: str) -> None:
    """Refuse an address of a kind that is not read, or that is none.

    Raises:
        UserError: says which part of it is wrong.
    """
    require_no_secret(location)
    scheme, _, rest = location.partition("://")
    shown = masked(location)
    if scheme not in CREDENTIALS:
        known = ", ".join(f"{one}://" for one in CREDENTIALS)
        raise UserError(
            f"{shown}: addresses of this kind are not read. Expected a path, or an address with one of {known}."
        )
    if not HOST.fullmatch(re.split(r"[/?#]", rest, maxsplit=1)[0]):
        raise UserError(f"{shown}: names no {'host' if scheme in ('http', 'https') else 'bucket'}. Check the address.")
    barred = " #\\" if scheme in WEB else "?#\\"
    odd = next((letter for letter in location if letter in barred or not letter.isprintable()), None)
    if odd is not None:
        raise UserError(
            f"{shown}: holds {odd!r}, which no address may. In http, spell it with a percent sign (a space is %20)."
        )


def file_name(address: str) -> str:
    """The name of the file an http address leads to, or nothing where it leads to a folder."""
    name = unquote(urlsplit(address).path).rpartition("/")[2]
    return "" if name in (".", "..") else name
