"""Keys: the private one that signs versions, and the public ones whose signatures count here."""

import os
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from ecom_llm.layout import Layout
from ecom_llm.params.runtime import OWN
from ecom_llm.records import UserError

PRIVATE = "signing.pem"
"""The own private key; nobody but the account that made it may read it."""


def fingerprint(public: bytes) -> str:
    """SHA-256 of a public key as PEM: the name that model-signing writes into a signature."""
    return sha256(public).hexdigest()


def make_own(layout: Layout) -> Path:
    """The own private key (ECDSA, P-256), made on first use; of several processes at once, all get the same one."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = layout.keys / PRIVATE
    if key.exists():
        return key
    layout.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = ec.generate_private_key(ec.SECP256R1())
    text = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    part = key.with_name(f"{secrets.token_hex(8)}.partial")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    with suppress(FileExistsError):  # another process was first: its key stays
        os.link(part, key)
    part.unlink()
    return key


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
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.key_size not in (256, 384, 521):
        raise UserError(f"{private}: expected {wanted}, found {type(key).__name__.strip('_')}. {mend}")
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def signing_key(setting: str, layout: Layout) -> Path:
    """The private key that `registry.signing_key` names; its signatures count here from now on.

    Raises:
        UserError: as `public_part`.
    """
    private = make_own(layout) if setting == OWN else Path(setting)
    public = public_part(private)
    kept = layout.keys / f"{fingerprint(public)[:16]}.pub"
    if not kept.exists():
        layout.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = kept.with_name(f"{secrets.token_hex(8)}.partial")
        part.write_bytes(public)
        part.replace(kept)
    return private


def trusted(layout: Layout) -> dict[str, Path]:
    """Fingerprint -> file of each public key whose signatures count here: those in the state folder's `keys`."""
    return {fingerprint(path.read_bytes()): path for path in sorted(layout.keys.glob("*.pub"))}
