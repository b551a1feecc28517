"""Keys: the private one that signs versions, and the public ones whose signatures count here."""

import os
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ecom_llm.layout import Layout
from ecom_llm.params.runtime import OWN
from ecom_llm.records import UserError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

PRIVATE = "signing.pem"
"""The own private key; nobody but the account that made it may read it."""


def fingerprint(public: bytes) -> str:
    """SHA-256 of a public key as PEM: the name that model-signing writes into a signature."""
    return sha256(public).hexdigest()


def keys_folder(layout: Layout) -> Path:
    """The folder of keys, made on first use; wherever the state folder lies, git takes nothing of it."""
    layout.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    (layout.keys / ".gitignore").write_text("*\n", encoding="utf-8")
    return layout.keys


def make_own(layout: Layout) -> Path:
    """The own private key (ECDSA, P-256), made on first use; of several processes at once, all get the same one.

    Raises:
        UserError: there was one, and it is gone.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = layout.keys / PRIVATE
    known = sorted(layout.keys.glob(f"{OWN}-*.pub"))  # looked for first: who makes a pair writes this part last
    if key.exists():
        return key
    if known:
        raise UserError(
            f"{key}: the private key that signs versions is gone, its public part {known[-1].name} is still there. Restore it "
            f"from a backup; or, to sign with a new one from now on: mv {known[-1]} "
            f"{key.with_name(known[-1].name.removeprefix(f'{OWN}-'))} (what the lost key signed still verifies by that)."
        )
    made = ec.generate_private_key(ec.SECP256R1())
    text = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    part = keys_folder(layout) / f"{secrets.token_hex(8)}.partial"
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    with suppress(FileExistsError):  # another process was first: its key stays
        os.link(part, key)
    part.unlink()
    return key


def as_pem(public: "PublicKeyTypes") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def public_part(private: Path) -> bytes:
    """The public key of a private one, as PEM.

    Raises:
        UserError: others may read the file, it cannot be read, has a password, or holds no key on a curve that
            model-signing takes.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    wanted = "a private key on P-256, P-384 or P-521 as PEM, without a password"
    mend = f"Name another as registry.signing_key, or `{OWN}`."
    try:
        if private.stat().st_mode & 0o077:
            raise UserError(
                f"{private}: others than its owner may read this private key. To mend it: chmod 600 {private}"
            )
        key = serialization.load_pem_private_key(private.read_bytes(), None)
    except OSError as error:
        raise UserError(f"{private}: the private key cannot be read ({error.strerror}). {mend}") from error
    except (ValueError, TypeError) as error:
        raise UserError(f"{private}: expected {wanted}, found none ({error}). {mend}") from error
    curve = key.curve if isinstance(key, ec.EllipticCurvePrivateKey) else None
    if not isinstance(curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1):
        raise UserError(f"{private}: expected {wanted}, found {curve.name if curve else type(key).__name__}. {mend}")
    return as_pem(key.public_key())


def signing_key(setting: str, layout: Layout) -> Path:
    """The private key that `registry.signing_key` names; its signatures count here from now on.

    Raises:
        UserError: as `make_own` and `public_part`; or it lies where the next snapshot would commit it.
    """
    own = setting == OWN
    private = make_own(layout) if own else Path(setting)
    place = private.resolve()
    if place.is_relative_to(layout.workspace.resolve()) and place.parent != layout.keys.resolve():
        raise UserError(
            f"{private}: the private key lies in the checkout, and the next run's snapshot would commit it to git. "
            f"Move it out of there, or into {layout.keys}, and name its new place as registry.signing_key."
        )
    public = public_part(private)
    if fingerprint(public) not in trusted(layout):
        folder = keys_folder(layout)
        part = folder / f"{secrets.token_hex(8)}.partial"
        part.write_bytes(public)
        part.replace(folder / f"{f'{OWN}-' if own else ''}{fingerprint(public)[:16]}.pub")
    return private


def trusted(layout: Layout) -> dict[str, Path]:
    """Fingerprint -> file of each public key whose signatures count here: those in the state folder's `keys`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    found = {}
    for path in sorted(layout.keys.glob("*.pub")):
        # what is no key vouches for nothing, and stands in nobody's way
        with suppress(ValueError, UnsupportedAlgorithm):
            # as PEM anew: an editor's line ends are no part of a key
            found[fingerprint(as_pem(load_pem_public_key(path.read_bytes())))] = path
    return found
