"""The benchmark's corpus: texts of the built-in catalogue, joined and damaged as scraped shop texts are, as Parquet shards.

Deterministic: equal arguments give equal texts. About half of the rows are damaged in some way (the shares stand in
`DAMAGE`), because a corpus of clean texts would measure nothing but reading and writing.
"""

import hashlib
import json
import random
import shutil
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ecom_llm.collect.catalogue import generate

SEED = 20261122
SHARD_ROWS = 25_000
ACCENTED = ("Café", "Señora", "Löwe", "naïve", "crème brûlée", "Größe 42", "Škoda", "Été", "jalapeño", "façade")
Damage = Callable[[str, random.Random], str]


def with_tags(text: str, rng: random.Random) -> str:
    """A description as a shop's editor stores it."""
    first, _, rest = text.partition(" " if " " in text else "，")
    style = rng.choice(('class="desc"', "style='color: red'", "id=d1"))
    tag = rng.choice(("b", "strong", "span", "em"))
    return f"<p {style}><{tag}>{first}</{tag}> {rest}</p><br/>{rng.choice(('', '<!-- end -->', '<script>var a=1;</script>'))}"


def with_entities(text: str, rng: random.Random) -> str:
    """Escaped once, as in an export."""
    entity = rng.choice(("&amp;", "&nbsp;", "&quot;", "&#39;", "&lt;", "&eacute;", "&#x4F60;", "&trade;"))
    place = rng.randrange(len(text))
    return f"{text[:place]} {entity} {text[place:]}"


def with_mojibake(text: str, rng: random.Random) -> str:
    """UTF-8 that was read as Latin-1 or as Windows-1252 (where that can be)."""
    told = f"{rng.choice(ACCENTED)} – {text}" if text.isascii() else text
    try:
        return told.encode().decode(rng.choice(("latin-1", "windows-1252")))
    except UnicodeDecodeError:
        return told.encode().decode("latin-1")


def with_accents(text: str, rng: random.Random) -> str:
    """Good accents and quotation marks, which must stay."""
    return f"“{rng.choice(ACCENTED)}” – {text}"


def decomposed(text: str, rng: random.Random) -> str:
    """Accents as macOS file names spell them: NFD."""
    return unicodedata.normalize("NFD", with_accents(text, rng))


def with_controls(text: str, rng: random.Random) -> str:
    """Control and zero-width characters in the middle."""
    place = rng.randrange(len(text))
    return text[:place] + rng.choice(("\x00", "\x08", "\x1b", "\u200b", "\ufeff", "\x7f")) + text[place:]


def with_spaces(text: str, rng: random.Random) -> str:
    """Line ends, tabs, doubled and ideographic spaces."""
    place = rng.randrange(len(text))
    return (
        text[:place]
        + rng.choice(("  ", "\n", "\t", "\r\n\r\n", "\u3000", "\xa0 "))
        + text[place:]
        + rng.choice(("", " ", "\n"))
    )


DAMAGE: dict[str, tuple[float, Damage]] = {
    "accents": (0.10, with_accents),
    "tags": (0.15, with_tags),
    "entities": (0.10, with_entities),
    "decomposed": (0.02, decomposed),
    "controls": (0.02, with_controls),
    "spaces": (0.15, with_spaces),
    "mojibake": (0.01, with_mojibake),
}
"""Kind -> (share of the rows that have it, how it is done). Mojibake comes last: it damages what is there."""


def sources() -> dict[str, list[str]]:
    """Locale -> the texts that rows are made from: descriptions, adverts, reviews, questions with their answers."""
    tables = generate(seed=SEED, products=2_000, shoppers=20)
    texts: dict[str, list[str]] = {"en": [], "zh": []}
    for product in tables.products:
        texts[product.locale].append(product.description or product.title)
    for told in (*tables.adverts, *tables.reviews):
        texts[told.locale].append(told.text)
    for asked in tables.questions:
        texts[asked.locale].append(f"{asked.question} {asked.answer}")
    return texts


def rows(target: int) -> Iterator[dict[str, object]]:
    """Rows with `id`, `locale` and `text` until their texts hold `target` bytes of UTF-8."""
    texts = sources()
    rng = random.Random(SEED)
    written = number = 0
    while written < target:
        locale = ("en", "zh")[number % 2]
        text = " ".join(rng.choices(texts[locale], k=rng.randint(1, 3)))
        for share, damage in DAMAGE.values():
            if rng.random() < share:
                text = damage(text, rng)
        yield {"id": f"{number:09d}", "locale": locale, "text": text}
        written += len(text.encode())
        number += 1


def build_corpus(folder: Path, target: int) -> int:
    """Write the shards, unless they are there already; return the bytes of UTF-8 in their texts."""
    marker = folder / "corpus.json"
    wanted = {"target": target, "recipe": hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}
    known = json.loads(marker.read_text(encoding="utf-8")) if marker.exists() else {}
    if known.items() >= wanted.items():
        return known["bytes"]
    print(f"building a corpus of {target / 1e6:.0f} MB in {folder}", flush=True)
    # An older recipe's shards would stay among the new ones.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shard: list[dict[str, object]] = []
    total = count = 0
    for row in rows(target):
        shard.append(row)
        total += len(str(row["text"]).encode())
        if len(shard) == SHARD_ROWS:
            _write(folder / f"{count:04d}.parquet", shard)
            shard, count = [], count + 1
    if shard:
        _write(folder / f"{count:04d}.parquet", shard)
    marker.write_text(json.dumps({**wanted, "bytes": total}), encoding="utf-8")
    return total


def _write(path: Path, shard: list[dict[str, object]]) -> None:
    """One shard."""
    pq.write_table(pa.Table.from_pylist(shard), path)
