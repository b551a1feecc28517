"""What a run works on: the checkout's files at one moment, with the run's own values in params.yaml, as a commit."""

import io
from dataclasses import dataclass
from pathlib import Path

import yaml
from ruamel.yaml import YAML

from ecom_llm.params import LOADER, Params, validate
from ecom_llm.records import UserError
from tasks import dvc, git

Value = dict[str, "Value"] | list["Value"] | str | int | float | bool | None
"""Plain YAML."""


@dataclass(frozen=True)
class Snapshot:
    """A checkout at one moment, with the run's params in its params.yaml."""

    commit: str
    inputs: str
    """The tree less dvc.lock: what results may depend on."""


def overlay(old: Value, new: Value) -> Value:
    """Bring `old` to equal `new`, touching only what differs: comments and layout hang on what stays."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [key for key in old if key not in new]:
            del old[key]
        for key, value in new.items():
            old[key] = overlay(old[key], value) if key in old else value
        return old
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, value in enumerate(new):
            old[place] = overlay(old[place], value)
        return old
    same = old == new and isinstance(old, bool) == isinstance(new, bool)  # True == 1 in Python
    return old if same else new


def written_into(text: str, params: Params) -> str:
    """The text of a params.yaml with these values: the same bytes where nothing differs, comments kept where it does."""
    if validate(yaml.load(text, Loader=LOADER), "params.yaml") == params:
        return text
    ruamel = YAML()
    ruamel.preserve_quotes = True
    ruamel.width = 4096
    ruamel.indent(mapping=2, sequence=4, offset=2)
    document = overlay(ruamel.load(text), params.model_dump(mode="json"))
    buffer = io.StringIO()
    ruamel.dump(document, buffer)
    return buffer.getvalue()


def stays_behind(location: str, index: git.Index) -> bool:
    """Whether a relative path would name less in the snapshot than it does in the checkout.

    It does when it leaves the checkout, or holds files that git ignores and DVC does not bring back. Hidden files and
    bytecode are nobody's data. What does not exist is named as the user knows it, for the error that follows.
    """
    if "://" in location or Path(location).is_absolute():
        return False
    place = (index.checkout / location).resolve()
    if not place.exists() or not place.is_relative_to(index.checkout.resolve()):
        return True
    managed = tuple(
        name.removesuffix(".dvc") for name in index.names(f"{location.rstrip('/')}/*.dvc", f"{location}.dvc")
    )
    ignored = (name.rstrip("/") for name in index.ignored(location))
    data = (name for name in ignored if not Path(name).name.startswith((".", "__pycache__")))
    return any(name not in managed and not name.startswith(tuple(f"{at}/" for at in managed)) for name in data)


def with_absolute_paths(params: Params, index: git.Index) -> Params:
    """Params whose folders are found from the snapshot too."""

    def settle(location: str) -> str:
        return str((index.checkout / location).resolve()) if stays_behind(location, index) else location

    collect = params.collect.model_copy(update={"location": settle(params.collect.location)})
    train = params.train.model_copy(update={"base_model": settle(params.train.base_model)})
    evaluate = params.evaluate.model_copy(update={"encoder": settle(params.evaluate.encoder)})
    return params.model_copy(update={"collect": collect, "train": train, "evaluate": evaluate})


def take_snapshot(checkout: Path, params: Params, name: str) -> Snapshot:
    """Commit the checkout as it is, with the run's params in params.yaml; its own files, index and branch stay.

    Raises:
        UserError: git refused, params.yaml is ignored by git, or a data file was edited since it was added.
    """
    with git.open_index(checkout) as index:
        if not index.names("params.yaml"):
            raise UserError(f"{checkout / 'params.yaml'}: is missing or ignored by git, so no run can know its values.")
        edited = dvc.edited_sources(checkout, index.names("data/sources/*.dvc"))
        if edited:
            raise UserError(f"{edited[0]}: was edited since it was added. To use it as it is: dvc add {edited[0]}")
        text = index.read("params.yaml")
        settled = written_into(text, with_absolute_paths(params, index))
        if settled != text:
            index.write("params.yaml", settled)
        commit = git.commit(checkout, index.tree(), name)
        return Snapshot(commit, inputs=index.tree("dvc.lock"))
