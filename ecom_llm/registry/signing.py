"""Signatures over folders, made and checked by OpenSSF's model-signing, and what is wrong where one does not hold.

A signature lists each file of its folder with its SHA-256 (in-toto statement in a Sigstore bundle, see
https://github.com/sigstore/model-transparency). model-signing leaves git's files out unless told otherwise; nothing is left
out here, so that no file can be added to a signed folder.
"""

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ecom_llm.records import UserError

if TYPE_CHECKING:
    from model_signing.hashing import Config

RESTORE = "restore MLflow's artifacts from a backup, or train anew and promote that version."
"""What can be done about a version whose own files are not what was signed."""


class BrokenLink(UserError):
    """Something is not what it was when the version was registered.

    Its message says what, where, expected, found, and what to do.
    """

    def __init__(self, message: str, *, absent: bool = False) -> None:
        super().__init__(message)
        self.absent = absent
        """Whether nothing speaks against the version: what would speak for it is not here (any more)."""


def every_file() -> "Config":
    """How folders are hashed, for signing and for checking: no file is left out."""
    from model_signing.hashing import Config

    return Config().set_ignored_paths(paths=[], ignore_git_paths=False)


def sign(folder: Path, signature: Path, key: Path) -> None:
    """Sign what a folder holds with a private key."""
    from model_signing.signing import Config

    signer = Config().use_elliptic_key_signer(private_key=key).set_hashing_config(every_file())
    signature.parent.mkdir(parents=True, exist_ok=True)
    signer.sign(folder, signature)


def check(folder: Path, signature: Path, trusted: dict[str, Path], where: str) -> str:
    """Check a folder against its signature; return the fingerprint of the key that made it.

    Args:
        trusted: fingerprint -> public key file of those whose signatures count.
        where: what the folder is called before people.

    Raises:
        BrokenLink: there is no signature, none of a trusted key, or it is of other files than these.
    """
    from cryptography.exceptions import InvalidSignature
    from model_signing.verifying import Config

    signer = signer_of(signature)
    if signer not in trusted:
        known = ", ".join(name[:16] for name in trusted) or "none"
        raise BrokenLink(
            f"{signature.name}: expected the signature of a key that is trusted here ({known}), found one by {signer[:16]}. "
            "If that is a key of yours, put its public part beside the others, into the state folder's keys."
        )
    try:
        verifier = Config().use_elliptic_key_verifier(public_key=trusted[signer]).set_hashing_config(every_file())
        verifier.verify(folder, signature)
    except ValueError as error:
        if str(error).startswith("Signature mismatch"):  # the signature is good, and of other files
            raise BrokenLink(difference(folder, signature, where)) from error
        if str(error).startswith("Cannot use"):
            raise BrokenLink(f"{where}: expected files and folders. {error} It was changed; {RESTORE}") from error
        raise BrokenLink(unusable(signature, error)) from error
    except (TypeError, LookupError, AttributeError, InvalidSignature) as error:
        raise BrokenLink(unusable(signature, error)) from error
    return signer


def bundle_of(signature: Path) -> dict[str, dict]:
    """A signature file as JSON.

    Raises:
        BrokenLink: there is none, or it is no JSON.
    """
    try:
        return json.loads(signature.read_bytes())
    except OSError as error:
        raise BrokenLink(
            f"{signature.name}: expected a signature, found no such file. It was removed; {RESTORE}"
        ) from error
    except ValueError as error:
        raise BrokenLink(unusable(signature, error)) from error


def unusable(signature: Path, error: Exception) -> str:
    said = " ".join(str(error).split())[:120] or "it does not fit its key"
    return f"{signature.name}: expected a valid signature, found another ({said}). It was changed; {RESTORE}"


def signer_of(signature: Path) -> str:
    """The fingerprint that a signature says its key has; whether that is true is for `check`."""
    bundle = bundle_of(signature)
    try:
        return str(bundle["verificationMaterial"]["publicKey"]["hint"])
    except (LookupError, TypeError) as error:
        raise BrokenLink(unusable(signature, error)) from error


def difference(folder: Path, signature: Path, where: str) -> str:
    """The first file in which a folder differs from what its signature, found good, lists."""
    statement = json.loads(base64.b64decode(bundle_of(signature)["dsseEnvelope"]["payload"]))
    listed = {one["name"]: one["digest"] for one in statement["predicate"]["resources"]}
    found = {str(one.identifier): one.digest.digest_hex for one in every_file().hash(folder).resource_descriptors()}
    differing = [name for name in sorted(listed.keys() | found.keys()) if listed.get(name) != found.get(name)]
    expected, is_there = listed.get(differing[0]), found.get(differing[0])
    more = f" (and {len(differing) - 1} more)" if len(differing) > 1 else ""
    told = f"{where}/{differing[0]}: expected {short(expected)}, found {short(is_there)}{more}"
    return f"{told}. It was {change(expected, is_there)} since it was signed; {RESTORE}"


def short(digest: str | None) -> str:
    return f"SHA-256 {digest[:16]}..." if digest else "no such file"


def change(expected: str | None, found: str | None) -> str:
    if expected and found:
        return "changed"
    return "removed" if expected else "added"
