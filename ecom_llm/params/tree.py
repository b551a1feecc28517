"""params.yaml as one tree, and how it is read: a mistake in it is said with its file and key."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from ecom_llm.params.collect import Collect
from ecom_llm.params.evaluate import Evaluate
from ecom_llm.params.prepare import Prepare
from ecom_llm.params.promote import Promote
from ecom_llm.params.runtime import Registry, Runtime
from ecom_llm.params.section import Section
from ecom_llm.params.train import Train
from ecom_llm.records import UserError


class Params(Section):
    """params.yaml, validated."""

    collect: Collect
    prepare: Prepare
    train: Train
    evaluate: Evaluate
    promote: Promote
    registry: Registry
    runtime: Runtime


def explain(error: ValidationError, origin: str) -> UserError:
    """Turn pydantic's first complaint into one sentence that names the key, the value found and what was expected."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "params"
    # a rule over several fields says what it found; the input would be the whole section
    found = "" if first["type"] in ("missing", "value_error") else f"; found {first['input']!r}"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return UserError(f"{origin}: {key}: no such parameter{more}. docs/parameters.md lists them all.")
    said = first["msg"].removeprefix("Value error, ")
    return UserError(f"{origin}: {key}: {said}{found}{more}. docs/parameters.md says what it may be.")


def validate(values: object, origin: str) -> Params:
    """Build Params from plain values.

    Raises:
        UserError: names `origin` and the first key that is wrong.
    """
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise explain(error, origin) from error
    except UserError as error:  # collect.location, which pydantic would repeat with its password
        raise UserError(f"{origin}: collect.location: {error}") from None


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML was built with it, as its wheels are: a params.yaml or dvc.lock in a tenth of the time, a dozen a run."""


def read_yaml(path: Path) -> dict[str, object]:
    """Read a YAML mapping; a missing, unreadable or malformed file is a UserError naming file and line."""
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). Check the path and your rights.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected a mapping of sections, found {type(values).__name__}.")
    return values


def load_params(path: Path) -> Params:
    """Read and validate a params.yaml.

    Raises:
        UserError: the file is missing or malformed, a key is unknown or missing, or a value is out of range.
    """
    return validate(read_yaml(path), str(path))
