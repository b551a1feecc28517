"""The links that a version holds itself: its weights, its record, its lock and its params."""

from hashlib import sha256

from ecom_llm.evaluate.evidence import read_evidence
from ecom_llm.params import read_yaml
from ecom_llm.records import UserError
from ecom_llm.registry import lock_key
from ecom_llm.registry.keys import trusted
from ecom_llm.registry.sealing import RECORD, SIGNATURE
from ecom_llm.registry.shown import expected_params, other_numbers
from ecom_llm.registry.signing import BrokenLink, check
from tasks.chain.hashes import path_md5
from tasks.chain.version import MLFLOW, Followed

UNSIGNED = (
    "expected a signature, found none: it was registered before versions were signed, or by another program. "
    "The next version that `ecom-llm run` registers is signed."
)


def is_unsigned(followed: Followed) -> bool:
    """Whether nothing anywhere says that the version ever was signed."""
    noted = followed.registration.details.get(SIGNATURE) if followed.registration else None
    return not (followed.version.tags.get(SIGNATURE) or noted or followed.sealed.record_signature.exists())


def weights(followed: Followed) -> str:
    """Weights, tokenizer and everything beside them are what was signed, by a key that is trusted here."""
    if is_unsigned(followed):
        raise BrokenLink(UNSIGNED, absent=True)
    folder, registry = followed.model, followed.registry
    try:
        signer = check(folder, followed.sealed.model_signature, trusted(registry.layout), str(folder))
    except BrokenLink as error:
        if folder.is_relative_to(registry.downloads):
            raise BrokenLink(
                f"{error} If the copy alone was changed: remove {folder}, and it is fetched anew."
            ) from error
        raise
    files = sum(path.is_file() for path in folder.rglob("*"))
    return f"{files} files in {folder} are as key {signer[:16]} signed them"


def record(followed: Followed) -> str:
    """dvc.lock, params, reports, commit and served code are what was signed, and MLflow knows that signature."""
    if is_unsigned(followed):
        raise BrokenLink(
            "expected a signature, found none over lock, params, reports and served code either.", absent=True
        )
    sealed, tag = followed.sealed, followed.version.tags.get(SIGNATURE, "")
    signer = check(sealed.record.workspace, sealed.record_signature, trusted(followed.registry.layout), "record")
    found = sha256(sealed.record_signature.read_bytes()).hexdigest()
    if found != tag:
        raise BrokenLink(
            f"{RECORD}: expected SHA-256 {tag[:16] or '(no tag `signature`)'}, found {found[:16]}: the signature or the "
            f"version's tag `{SIGNATURE}` was replaced. {MLFLOW}"
        )
    files = sum(path.is_file() for path in sealed.record.workspace.rglob("*"))
    return f"{files} files (lock, params, reports, commit, served code) are as key {signer[:16]} signed them"


def lock(followed: Followed) -> str:
    """dvc.lock is the one that was registered, and weights and reports are what it says came out."""
    named, files = followed.lock, followed.sealed.record
    key, tag = lock_key(files.lock), followed.version.tags.get("lock", "")
    if key != tag:
        raise BrokenLink(f"dvc.lock: expected SHA-256 {tag}, found {key}. {MLFLOW}")
    wrote = {files.model.relative_to(files.workspace).as_posix(): followed.model}
    wrote |= {path: files.workspace / path for path in named.outs if path.startswith(f"{files.metrics.parent.name}/")}
    for path, place in wrote.items():
        expected, found = named.outs.get(path), path_md5(place)
        if found != expected:
            raise BrokenLink(
                f"{path}: expected MD5 {expected or '(not in dvc.lock)'}, found {found or 'nothing'} at {place}. {MLFLOW}"
            )
    evidence = read_evidence(files.metrics)
    for name in ("test_set", "tokenizer"):
        tag, measured = followed.version.tags.get(name), getattr(evidence, name)
        if tag != measured:
            raise BrokenLink(f"tag `{name}` in MLflow: expected {measured} as in metrics.json, found {tag}. {MLFLOW}")
    return f"dvc.lock {key[:10]} is the one registered; weights and {len(wrote) - 1} reports are what its stages wrote"


def params(followed: Followed) -> str:
    """params.yaml has the values by which the stages ran, and MLflow shows these and the reports' numbers."""
    files = followed.sealed.record
    try:
        values = read_yaml(files.params)
    except UserError as error:
        raise BrokenLink(f"params.yaml: expected a version's params, found that {error} {MLFLOW}") from error
    for name, stage in followed.lock.stages.items():
        for section, locked in stage.params.get("params.yaml", {}).items():
            if values.get(section) != locked:
                raise BrokenLink(
                    f"params.yaml, section {section}: expected the values by which stage {name} ran as dvc.lock has them, "
                    f"found others. {MLFLOW}"
                )
    other = other_numbers(followed.registry, followed.version, files)
    if other:
        raise BrokenLink(f"{other} {MLFLOW}")
    these = "these, and" if expected_params(files) else "(its params, of another program's keys, were not compared)"
    return f"{', '.join(followed.lock.stages)} ran by params.yaml's values; MLflow shows {these} the reports' numbers"
