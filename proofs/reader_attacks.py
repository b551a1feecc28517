"""Attacks on the readers: each spoils a file in one of the ways in which shops' files are spoilt, or bombs made."""

from pathlib import Path
from random import Random

from ecom_llm.collect.files import limits
from proofs.reader_case import MIB, Attack, Case, put
from proofs.reader_containers import archives, bombs, empty, formulas, no_files, truncated
from proofs.reader_files import BINARY, PACKED, TEXT, as_csv, as_jsonl, rows


def mixed_encodings(random: Random, folder: Path) -> Case:
    """Lines in several encodings, most of them in UTF-8."""
    count, faults = random.randint(5, 60), 0
    lines = [b"id,text\n"]
    for number in range(count):
        codec = random.choice(["utf-8"] * 8 + ["gb18030", "big5", "cp932", "utf-16-le"])
        data = f"{number},真的不大\n".encode(codec)
        # the odd line ends of UTF-16 would make other lines of its neighbours
        data = data.replace(b"\n", b"") + b"\n" if codec == "utf-16-le" else data
        faults += codec != "utf-8"
        lines.append(data)
    text = [f"{number},真的\n".encode() for number in range(2 * count)]
    return Case(put(folder, "a.csv", b"".join(lines + text)), "read", 3 * count, faults)


def marks(random: Random, folder: Path) -> Case:
    """Byte order marks: right ones, wrong ones, several, and in the middle."""
    kind = random.choice(["csv", "tsv", "jsonl", "py.json", "json"])
    data = TEXT[kind](rows(random, 30))
    if random.random() < 0.4:
        codec, mark = random.choice(
            [("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("utf-8", b"\xef\xbb\xbf")]
        )
        return Case(put(folder, f"a.{kind}", mark + data.decode().encode(codec)), "read", 30, 0)
    mark = random.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\xef\xbb"])
    place = random.choice([0, data.index(b"\n") + 1, random.randrange(len(data))])
    return Case(put(folder, f"a.{kind}", data[:place] + mark + data[place:]))


def nul_bytes(random: Random, folder: Path) -> Case:
    """NUL bytes in some lines: a Fault each."""
    lines = [f"{number},plain text of some length\n".encode() for number in range(80)]
    hit = random.sample(range(80), random.randint(1, 20))
    for number in hit:
        place = random.randrange(len(lines[number]) - 1)
        lines[number] = lines[number][:place] + b"\0" * random.choice([1, 3]) + lines[number][place:]
    return Case(put(folder, "a.csv", b"id,text\n" + b"".join(lines)), "read", 80, len(hit))


def long_line(random: Random, folder: Path) -> Case:
    """A line of 50 MB, in text that is otherwise well."""
    kind = random.choice(["csv", "quoted.csv", "jsonl", "txt", "py.json", "json", "unclosed.csv"])
    size = 50 * 1000 * 1000
    fill = random.choice([b"x", "长".encode(), b"[", b'""', b" "]) * (size // 2)
    around = {
        "csv": (b"id,text\n1,a\n2,", b"\n3,b\n"),
        "quoted.csv": (b'id,text\n1,a\n2,"', b'"\n3,b\n'),
        "unclosed.csv": (b'id,text\n1,a\n2,"' + b"x\n" * 5_000_000, b"\n3,b\n"),
        "jsonl": (b'{"a": "1"}\n{"a": "', b'"}\n{"a": "3"}\n'),
        "py.json": (b"{'a': '1'}\n{'a': '", b"'}\n{'a': '3'}\n"),
        "txt": (b"one\n", b"\nthree\n"),
        "json": (b'[{"a": "1"}, {"a": "', b'"}]'),
    }[kind]
    path = folder / f"a.{kind}"
    path.write_bytes(around[0] + fill[:size] + around[1])
    if kind in ("json", "unclosed.csv"):
        return Case(path, "refuse" if kind == "json" else "read")
    return Case(path, "read", 3, 1)


def headers(random: Random, folder: Path) -> Case:
    """Headers with equal, missing and too many names."""
    names = random.choices(["id", "text", "", " id ", "column_2", "名"], k=random.randint(2, 6))
    seen = [name.strip() or f"column_{place}" for place, name in enumerate(names, start=1)]
    body = "".join(",".join(str(number) for _ in names) + "\n" for number in range(9))
    path = put(folder, "a.csv", (",".join(names) + "\n" + body).encode())
    return Case(path, "refuse") if len(set(seen)) < len(seen) else Case(path, "read", 9, 0)


def wrong_types(random: Random, folder: Path) -> Case:
    """JSON that is no object, no row, or no JSON; rows of the wrong width."""
    odd = [
        "1",
        '"x"',
        "null",
        "[]",
        "[1]",
        "NaN",
        '{"a": NaN}',
        '{"a": 1, "a": 2}',
        "{",
        '{"a": "\\ud800"}',
        "-",
        "{}x",
    ]
    odd += ["{'a': 1}", '{"a": Infinity}', '{"a"}', "tru", '"\\u12"', '{"a": 1e99999}', "1" * 5000]
    kind = random.choice(["jsonl", "json", "csv"])
    if kind == "csv":
        widths = [random.choice([1, 2, 2, 2, 3, 40]) for _ in range(50)]
        body = "".join(",".join(["x"] * width) + "\n" for width in widths)
        faults = sum(width != 2 for width in widths)
        return Case(put(folder, "a.csv", ("a,b\n" + body).encode()), "read", 50, faults)
    lines = random.choices(odd, k=random.randint(1, 5)) + ['{"a": "good"}'] * random.randint(0, 5)
    random.shuffle(lines)
    if kind == "jsonl":
        return Case(put(folder, "a.jsonl", "\n".join(lines).encode()), "read", len(lines))
    text = random.choice(["[" + ",".join(lines) + "]", f'{{"rows": [{",".join(lines)}]}}', lines[0]])
    return Case(put(folder, "a.json", text.encode()))


def deep(random: Random, folder: Path) -> Case:
    """Values nested far deeper than any reader's stack."""
    depth = random.choice([90, 150, 500, 990, 3000, 100_000, 2_000_000])
    opening, closing = random.choice([("[", "]"), ('{"a":', "}"), ("{'a':", "}"), ("(", ")"), ("-", ""), ("[[],", "]")])
    inner = opening * depth + "1" + closing * depth
    kind = random.choice(["jsonl", "json", "py.json"])
    body = {
        "jsonl": f'{{"a": {inner}}}\n{{"a": "b"}}\n',
        "json": f'[{{"a": {inner}}}]',
        "py.json": f"{{'a': {inner}}}\n{{'a': 1}}\n",
    }
    path = put(folder, f"a.{kind}", body[kind].encode()[: limits.LINE])
    return Case(path)


def mutated(random: Random, folder: Path) -> Case:
    """A valid file of any kind and packing with some bytes changed, cut out, doubled or put in."""
    kind = random.choice([*TEXT, *TEXT, *TEXT, *BINARY])
    data = bytearray({**TEXT, **BINARY}[kind](rows(random, random.choice([1, 5, 80]))))
    packing = random.choice(["", "", *PACKED])
    packed_first = random.random() < 0.5
    if packed_first:
        data = bytearray(PACKED[packing](bytes(data)))
    for _ in range(random.choice([1, 1, 2, 5, 30])):
        place, length = random.randrange(len(data) + 1), random.randint(1, 12)
        noise = random.choice(
            [random.randbytes(length), bytes(data[place : place + length]), b'"', b"\0", b"{", b"\xff" * 4]
        )
        data[place : place + random.choice([0, len(noise), length])] = noise
    path = folder / f"a.{kind}{packing}"
    path.write_bytes(bytes(data) if packed_first else PACKED[packing](bytes(data)))
    return Case(path)


def noise(random: Random, folder: Path) -> Case:
    """Bytes at random behind the beginning of something known, or of nothing."""
    heads = [
        b"",
        b"PAR1",
        b"PK\x03\x04",
        b"\x1f\x8b\x08",
        b"BZh91AY&SY",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
        b"{",
        b"[",
    ]
    heads += [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{'", b"id,text\n", b"\xff\xfe", b"\xef\xbb\xbf"]
    few = random.choice([bytes(range(256)), b'",\n\r\t{}[]:ab1\\', b'"\n,', "[{'a真".encode()])
    body = bytes(random.choices(few, k=random.choice([0, 3, 100, 5000])))
    name = random.choice(["a.csv", "a.json", "a.jsonl", "a", "a.parquet", "a.xls", "a.txt", "a.csv.gz"])
    return Case(put(folder, name, random.choice(heads) + body))


def unclosed_quotes(random: Random, folder: Path) -> Case:
    """Quotes that are opened and not closed: only their own lines may be lost."""
    lines = [f'{number},"a ""good"" row, quoted"\n' for number in range(200)]
    bad = sorted(random.sample(range(200), random.randint(1, 5)))
    for number in bad:
        lines[number] = f'{number},"never closed\n'
    return Case(put(folder, "a.csv", ("id,text\n" + "".join(lines)).encode()), "read", 200, len(bad))


def lying_names(random: Random, folder: Path) -> Case:
    """A good file under a name of another kind: the bytes decide."""
    table = rows(random, 20)
    packing = random.choice(list(PACKED))
    data, lie = random.choice(
        [(as_csv(table), ".txt"), (as_jsonl(table), ".csv"), (as_jsonl(table), ".json"), (as_jsonl(table), "")]
    )
    path = folder / f"a{lie}"
    path.write_bytes(PACKED[packing](data))
    return Case(path, "read", 20, 0)


def well(random: Random, folder: Path) -> Case:
    """Good files of every kind and packing: the readers must not be safe by refusing all."""
    count = random.randint(1, 300)
    kind, packing = random.choice([*TEXT, *BINARY]), random.choice(list(PACKED))
    return Case(put(folder, f"a.{kind}", {**TEXT, **BINARY}[kind](rows(random, count)), packing), "read", count, 0)


def huge_json(random: Random, folder: Path) -> Case:
    """JSON that is short and takes a lot of memory as Python objects."""
    member = random.choice(["[]", "{}", '{"a":[]}', "0", '""'])
    body = ",".join([member] * (7 * MIB // (len(member) + 1)))
    name, text = random.choice(
        [("a.jsonl", f'{{"a": [{body}]}}\n{{"a": "b"}}\n'), ("a.json", f"[[{body}]]"), ("a.json", f"[{body}]")]
    )
    return Case(put(folder, name, text.encode()), "read")


ATTACKS: dict[str, tuple[Attack, int]] = {
    "well": (well, 8), "truncated": (truncated, 8), "mixed encodings": (mixed_encodings, 6), "marks": (marks, 6),
    "NUL bytes": (nul_bytes, 4), "50 MB line": (long_line, 1), "headers": (headers, 4), "wrong types": (wrong_types, 8),
    "deep": (deep, 2), "bombs": (bombs, 1), "huge JSON": (huge_json, 1), "empty": (empty, 5), "formulas": (formulas, 2),
    "archives": (archives, 4), "mutated": (mutated, 30), "noise": (noise, 20), "unclosed quotes": (unclosed_quotes, 3),
    "lying names": (lying_names, 3), "no files": (no_files, 2),
}  # fmt: skip
"""Name -> attack, and its weight among the cases: what writes hundreds of MB comes seldom."""
