"""Keys and signatures over folders: whatever is changed, added, removed or signed by another is found and named."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from ecom_llm.layout import Layout
from ecom_llm.params.runtime import OWN, Registry
from ecom_llm.records import UserError
from ecom_llm.registry.keys import PRIVATE, fingerprint, public_part, signing_key, trusted
from ecom_llm.registry.signing import BrokenLink, check, sign


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "workspace", tmp_path / "state")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(range(256)))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "deep" / "words").write_text("red 红")
    return folder


@pytest.fixture
def signature(layout: Layout, model: Path, tmp_path: Path) -> Path:
    sign(model, tmp_path / "model.sig", signing_key(OWN, layout))
    return tmp_path / "model.sig"


def private_key(path: Path, key: object, password: bytes | None = None) -> Path:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    path.chmod(0o600)
    return path


def test_the_own_key_is_made_once_and_nobody_else_may_read_it(layout):
    key = signing_key(OWN, layout)
    made = key.read_bytes()
    assert key == layout.keys / PRIVATE and key.stat().st_mode & 0o777 == 0o600
    assert signing_key(OWN, layout).read_bytes() == made
    assert list(trusted(layout)) == [fingerprint(public_part(key))]
    [public] = layout.keys.glob("*.pub")
    assert {path.name for path in layout.keys.iterdir()} == {PRIVATE, public.name, ".gitignore"}
    assert (layout.keys / ".gitignore").read_text() == "*\n"


def test_an_own_key_that_is_gone_is_told_and_the_way_it_names_goes_on(layout, model, signature):
    signing_key(OWN, layout).unlink()
    with pytest.raises(UserError, match=r"signing\.pem: the private key that signs versions is gone.*mv ") as gone:
        signing_key(OWN, layout)
    given, wanted = str(gone.value).partition("mv ")[2].split()[:2]
    Path(given).rename(wanted)
    assert signing_key(OWN, layout).exists()
    assert len(trusted(layout)) == 2 and check(model, signature, trusted(layout), "folder")


def test_a_key_that_a_snapshot_would_commit_is_refused(layout):
    layout.workspace.mkdir()
    key = private_key(layout.workspace / "mine.pem", ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(UserError, match=r"mine\.pem: the private key lies in the checkout"):
        signing_key(str(key), layout)
    link = layout.workspace.with_name("link")
    link.symlink_to(layout.workspace)
    with pytest.raises(UserError, match=r"mine\.pem: the private key lies in the checkout"):
        signing_key(str(link / "mine.pem"), layout)


def test_a_public_key_counts_whatever_its_line_ends_and_what_is_none_does_not(layout, model, signature):
    [public] = layout.keys.glob("*.pub")
    public.write_bytes(public.read_bytes().replace(b"\n", b"\r\n"))
    (layout.keys / "ssh.pub").write_text("ssh-ed25519 AAAA nobody@nowhere\n")
    assert len(trusted(layout)) == 1 and check(model, signature, trusted(layout), "folder")


def test_signing_and_checking_ask_no_network(layout, model, tmp_path):
    program = (
        "import socket, sys; from pathlib import Path\n"
        "def refuse(*_): raise AssertionError('asked the network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from ecom_llm.layout import Layout; from ecom_llm.registry.keys import signing_key, trusted\n"
        "from ecom_llm.registry.signing import check, sign\n"
        "folder = Path(sys.argv[1]); layout = Layout(folder / 'workspace', folder / 'state')\n"
        "sign(folder / 'model', folder / 'model.sig', signing_key('own', layout))\n"
        "print(check(folder / 'model', folder / 'model.sig', trusted(layout), 'model'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False)
    assert done.stdout.split() == list(trusted(layout)), done.stderr


def test_a_key_of_one_s_own_signs_and_earlier_signatures_still_count(layout, model, signature, tmp_path):
    other = private_key(tmp_path / "mine.pem", ec.generate_private_key(ec.SECP384R1()))
    sign(model, tmp_path / "other.sig", signing_key(str(other), layout))
    signers = {check(model, path, trusted(layout), "model") for path in (signature, tmp_path / "other.sig")}
    assert signers == set(trusted(layout)) and len(signers) == 2


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: private_key(path, ec.generate_private_key(ec.SECP256R1())).chmod(0o644), "chmod 600"),
        (
            lambda path: private_key(path, ec.generate_private_key(ec.SECP256R1()), b"x"),
            "without a password, found none",
        ),
        (lambda path: private_key(path, ed25519.Ed25519PrivateKey.generate()), "found Ed25519PrivateKey"),
        (lambda path: private_key(path, ec.generate_private_key(ec.SECP256K1())), "found secp256k1"),
        (lambda path: (path.write_text("no key"), path.chmod(0o600)), "found none"),
        (lambda path: None, "cannot be read"),
    ],
)
def test_a_key_that_cannot_sign_is_named(layout, tmp_path, make, said):
    make(tmp_path / "mine.pem")
    with pytest.raises(UserError, match=f"mine.pem.*{said}"):
        signing_key(str(tmp_path / "mine.pem"), layout)


def test_a_key_is_own_or_an_absolute_path():
    assert Registry(model_name="shop", signing_key="/keys/mine.pem")
    with pytest.raises(ValueError, match="outside of the checkout"):
        Registry(model_name="shop", signing_key="keys/mine.pem")


ATTACKS = {
    "weights": (
        lambda folder: (folder / "model.safetensors").write_bytes(bytes(256)),
        r"folder/model\.safetensors: expected SHA-256 40aff2e9d2d8922e\.\.\., found SHA-256 5341e6b2646979a7\.\.\.\. It was changed",
    ),
    "added": (lambda folder: (folder / ".gitignore").write_text("x"), r"\.gitignore: .*found SHA-256 .* It was added"),
    "deep": (lambda folder: (folder / "deep" / ".git").write_text("x"), r"deep/\.git: .*It was added"),
    "removed": (lambda folder: (folder / "tokenizer.json").unlink(), r"tokenizer\.json: .*no such file.*removed"),
    "two": (lambda folder: [(folder / name).write_text("x") for name in "ab"], r"folder/a: .*\(and 1 more\)"),
    "link": (lambda folder: (folder / "link").symlink_to("/etc/passwd"), "it is a symlink"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_changed_in_a_signed_folder_is_named(layout, model, signature, name):
    assert check(model, signature, trusted(layout), "folder") in trusted(layout)
    attack, said = ATTACKS[name]
    attack(model)
    with pytest.raises(BrokenLink, match=said) as broken:
        check(model, signature, trusted(layout), "folder")
    assert not broken.value.absent and "\n" not in str(broken.value)


def test_a_signature_of_another_key_does_not_count_whatever_it_says_of_itself(layout, model, signature, tmp_path):
    elsewhere = Layout(tmp_path, tmp_path / "elsewhere")
    (model / "model.safetensors").write_bytes(b"forged")
    sign(model, signature, signing_key(OWN, elsewhere))
    with pytest.raises(BrokenLink, match=r"model\.sig: expected the signature of a key that is trusted here"):
        check(model, signature, trusted(layout), "folder")
    bundle = json.loads(signature.read_text())
    bundle["verificationMaterial"]["publicKey"]["hint"] = next(iter(trusted(layout)))
    signature.write_text(json.dumps(bundle))
    with pytest.raises(BrokenLink, match=r"model\.sig: expected a valid signature, found another"):
        check(model, signature, trusted(layout), "folder")


@pytest.mark.parametrize("text", ["", "{}", "[]", "{", '{"verificationMaterial": {"publicKey": {}}}'])
def test_what_is_no_signature_is_named(layout, model, signature, text):
    signature.write_text(text)
    with pytest.raises(BrokenLink, match=r"model\.sig: expected a valid signature"):
        check(model, signature, trusted(layout), "folder")
    signature.unlink()
    with pytest.raises(BrokenLink, match=r"model\.sig: expected a signature, found no such file"):
        check(model, signature, trusted(layout), "folder")


def test_a_model_may_lie_elsewhere(layout, model, signature, tmp_path):
    shutil.copytree(model, tmp_path / "copy" / "another name")
    assert check(tmp_path / "copy" / "another name", signature, trusted(layout), "folder")
