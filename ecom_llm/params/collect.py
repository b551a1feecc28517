"""The section `collect`: where a shop's records come from."""

from typing import Literal

from pydantic import Field, field_validator

from ecom_llm.params.location import is_address, require_readable_kind
from ecom_llm.params.section import Section
from ecom_llm.records import LOCALE

Form = Literal[
    "catalogue",
    "tables",
    "mapped",
    "rnnlg",
    "advertisegen",
    "amazon_qa",
    "item_windows",
    "jddc",
    "specifications",
    "dataset",
]
"""How a source's files are laid out; one module of `ecom_llm/collect/forms` each."""


class Source(Section):
    """One source of records; a run may have several."""

    form: Form
    """`catalogue` is built in; `tables` are files named after the canonical tables; `mapped` is any file, read by `columns`."""
    path: str = Field(min_length=1)
    """File or folder, relative to `collect.location`; `.` is the location itself."""
    locale: str = Field(pattern=f"^{LOCALE}$")
    """BCP 47 locale of rows that do not name one."""
    weight: float = Field(gt=0, le=100)
    """How often its training examples are shown in an epoch: 1 is once, 0.5 shows half of them, 2 shows each twice."""
    columns: dict[str, str]
    """For `mapped` and its like: `table.field` or `products.attributes.NAME` -> column of the file, or `=text` for a constant."""


class Collect(Section):
    """Where the shop's records come from."""

    seed: int = Field(ge=0)
    """Seed of the built-in catalogue."""
    location: str = Field(min_length=1)
    """Where the sources lie: `data/sources` (managed by `ecom-llm add PATH`), an absolute path, or an address (external): a folder
    or file at s3://, gs:// or azure://, one file at http(s)://. Credentials come from the environment alone."""
    sources: tuple[Source, ...] = Field(min_length=1)
    """Where records come from; several sources make one run."""
    shops: dict[str, str]
    """Path of a source, or a folder of sources, -> the shop whose ids it has. Equal ids of two shops are two products; sources
    that name no shop share theirs, as one shop's products and reviews have to."""
    products: int = Field(ge=20, le=1_000_000)
    """Products in the built-in catalogue, each in English and Chinese."""
    shoppers: int = Field(ge=20, le=1_000_000)
    """Shoppers in the built-in catalogue, each with a purchase history."""

    @field_validator("shops")
    @classmethod
    def have_names(cls, shops: dict[str, str]) -> dict[str, str]:
        if any(not key.strip() or not shop.strip() for key, shop in shops.items()):
            raise ValueError("expected the path of a source and the name of its shop, neither of them empty")
        return shops

    @field_validator("location")
    @classmethod
    def tells_no_secret(cls, location: str) -> str:
        """A UserError passes pydantic by, whose own errors would repeat the address."""
        if is_address(location):
            require_readable_kind(location)
        return location
