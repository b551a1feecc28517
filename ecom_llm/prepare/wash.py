"""Washing: every text cleaned and, where params say so, scrubbed of personal data; rows put into buckets.

The program is Daft's; `engine.py` chooses whether it runs on this machine or on a Ray cluster.
"""

import hashlib
from collections import Counter
from pathlib import Path

import daft
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from daft import DataType, Expression, Series, col
from daft.functions import hash as hashed

from ecom_llm.params import Prepare
from ecom_llm.prepare.buckets import BUCKET, KEYS
from ecom_llm.prepare.cleaning import cleaned
from ecom_llm.prepare.personal import count_placeholders, find, scrub
from ecom_llm.prepare.personal.names import scrub_names
from ecom_llm.prepare.personal.scrub import suspects
from ecom_llm.records import TABLES
from ecom_llm.shards import is_pairs, parts_of

TEXTS = ("title", "description", "text", "question", "answer", "goal", "audience")
"""Columns a person wrote; the other strings are keys, which are cleaned like texts (or rows would no longer find each
other) but not scrubbed: two customers would become one `[EMAIL]`. Shoppers and products get pseudonyms instead."""
NAMES = ("id", "product", "shopper", "locale")


def wash(collected: Path, washed: Path, buckets: int, params: Prepare) -> None:
    """Write the washed tables into `washed / TABLE / bucket=N`, in no certain order; dicts and lists are left to `wash_nested`."""
    for table in TABLES:
        frame = daft.read_parquet(str(collected / table / "*.parquet"))
        texts = {name: texts_washed(col(name), params) for name in TEXTS if name in frame.column_names}
        names = {name: cleaned(col(name), params.clean) for name in NAMES if name in frame.column_names}
        for name, rename in (PSEUDONYMS if params.scrub_personal_data else {}).items():
            if name in names:
                names[name] = rename(names[name])
        frame = frame.with_columns(texts | names)
        frame = frame.with_column(BUCKET, (hashed(col(KEYS[table])) % buckets).cast(daft.DataType.int64()))
        frame.write_parquet(str(washed / table), partition_cols=[col(BUCKET)])


@daft.func.batch(return_dtype=DataType.string(), use_process=False)
def scrubbed(texts: Series) -> Series:
    """The texts without personal data; the search is Arrow's, Python looks only at texts that may hold some."""
    return Series.from_arrow(scrub(texts.to_arrow()))


@daft.func.batch(return_dtype=DataType.string(), use_process=False)
def shopper_pseudonyms(names: Series) -> Series:
    """Ids of shoppers; see `pseudonyms`."""
    return pseudonyms(names, "shopper")


@daft.func.batch(return_dtype=DataType.string(), use_process=False)
def product_pseudonyms(names: Series) -> Series:
    """Ids of products, which small sellers' lists make of their own numbers and addresses; see `pseudonyms`."""
    return pseudonyms(names, "product")


PSEUDONYMS = {"id": product_pseudonyms, "product": product_pseudonyms, "shopper": shopper_pseudonyms}
"""Columns of ids -> what their pseudonyms are made by; a product's id is the same in every table."""


def pseudonyms(names: Series, kind: str) -> Series:
    """Ids; one that holds personal data, as an e-mail address does, gives way to a hash of itself.

    The same id always has the same pseudonym, so histories stay whole. Who knows the id can tell the pseudonym: it keeps
    ids out of examples and logs, and makes nobody anonymous.
    """
    column = names.to_arrow()
    telling = [place for place in np.flatnonzero(suspects(column)) if find(column[place].as_py())]
    renamed = column.to_pylist()
    for place in telling:
        renamed[place] = f"{kind}-{hashlib.blake2b(renamed[place].encode(), digest_size=8).hexdigest()}"
    return Series.from_arrow(pa.array(renamed, pa.large_string()))


def texts_washed(texts: Expression, params: Prepare) -> Expression:
    """A text as it is learned from."""
    clean = cleaned(texts, params.clean)
    return scrubbed(clean) if params.scrub_personal_data else clean


def wash_nested(table: pa.Table, params: Prepare) -> pa.Table:
    """The same for what stands in dicts and lists: their flat arrays are washed as columns and put together again.

    Not in a UDF of `wash`: Daft within Daft waits for itself for ever.
    """
    for place, field in enumerate(table.schema):
        whole = table.column(place).combine_chunks()
        if is_pairs(field.type):
            keys, values = (flat_washed(whole.values.field(name), params) for name in ("key", "value"))
            inner = pa.StructArray.from_arrays([once(whole, keys), values], names=["key", "value"])
        elif pa.types.is_list(field.type) or pa.types.is_large_list(field.type):
            inner = flat_washed(whole.values, params)
        else:
            continue
        table = table.set_column(place, field.name, type(whole).from_arrays(whole.offsets, inner))
    return table


def once(whole: pa.ListArray, keys: pa.Array) -> pa.Array:
    """The keys, with "" for one that equals an earlier key of its dict, whose value it would silently replace."""
    rows = np.repeat(np.arange(len(whole)), np.diff(whole.offsets.to_numpy()))
    pairs = pa.table({"row": rows, "key": keys, "place": np.arange(len(keys))})
    firsts = pairs.group_by(["row", "key"]).aggregate([("place", "min")])["place_min"]
    return pc.if_else(np.isin(np.arange(len(keys)), firsts.to_numpy()), keys, "")


def without_names(table: pa.Table) -> pa.Table:
    """The texts without names and postal addresses, as far as Presidio finds them.

    Raises:
        UserError: Presidio or its model for a locale is not installed.
    """
    locales = table["locale"].to_pylist()
    for name in TEXTS:
        if name in table.column_names:
            place = table.column_names.index(name)
            table = table.set_column(place, name, scrub_names(table[name], locales))
    return table


def flat_washed(texts: pa.Array, params: Prepare) -> pa.Array:
    """One array of texts, washed in its order."""
    frame = daft.from_arrow(pa.table({"text": texts})).select(texts_washed(col("text"), params).alias("text"))
    return frame.to_arrow().column("text").combine_chunks()


def placeholders(table: pa.Table) -> Counter[str]:
    """Type of personal data -> its placeholders in all texts of a table."""
    found: Counter[str] = Counter()
    for column in table.columns:
        for texts in flat_texts(column.combine_chunks()):
            found.update(count_placeholders(texts))
    return found


def flat_texts(column: pa.Array) -> list[pa.Array]:
    """The arrays of strings in a column: itself, or what it is made of."""
    if is_pairs(column.type):
        return [column.values.field("key"), column.values.field("value")]
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return flat_texts(column.values)
    return [column] if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) else []


def placeholders_before(collected: Path) -> Counter[str]:
    """Those that stood in the data as they came: a shop may have scrubbed them already, which is no find of ours."""
    found: Counter[str] = Counter()
    for table in TABLES:
        for part in parts_of(collected / table):
            found.update(placeholders(pq.read_table(part)))
    return found
