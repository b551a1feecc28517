"""Bytes -> the name of their text encoding, judged on a sample: marks first, then what fits, then what reads like text."""

import codecs
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from charset_normalizer import from_bytes

from ecom_llm.records import UserError

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: it begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
EAST_ASIAN = ("gb18030", "big5", "cp932", "euc_jp", "cp949")
"""Two-byte encodings; cp932 is Shift-JIS and cp949 EUC-KR as Windows writes them."""
SINGLE_BYTE = (
    "cp1252",
    "cp1250",
    "cp1251",
    "koi8_r",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp1257",
    "cp1258",
    "cp874",
)
FITS = 0.9
"""Share of the lines with non-ASCII bytes that must decode: a file may hold some lines in another encoding."""
COMMON = 0.8
"""Share of the non-ASCII characters that must be common ones in a language of that encoding."""
KOREAN = 0.95
"""Share of Hangul that only Korean reaches: Chinese read as Korean has some 60 %."""
ENOUGH = 20
"""Characters from which that share tells anything."""
SYMBOL_IN_WORD = re.compile(r"(?<=[^\W\d_])[¡-¿×÷](?=[^\W\d_])")
JUDGED = 1 << 16
"""Bytes of non-ASCII lines that are looked at."""
FEW_CONTROLS = 24
"""Control characters that a cell or two may hold: the smallest picture has more."""


def encoding_of(path: Path, sample: bytes) -> str:
    """The encoding of a text file by its beginning: `utf-8` for plain ASCII.

    Raises:
        UserError: it is UTF-32, holds mostly control characters (so it is no text), or fits no known encoding.
    """
    for mark, name in MARKS:
        if sample.startswith(mark):
            if name.startswith("utf-32"):
                raise UserError(f"{path}: is encoded in UTF-32. Save it as UTF-8: iconv -f UTF-32 -t UTF-8 {path.name}")
            return name
    # before the look for control characters: half of the bytes of UTF-16 are zero
    wide = unmarked_utf16(sample)
    if wide:
        return wide
    refuse_binary(path, sample)
    found = judged(foreign_lines(sample))
    if found is None:
        raise UserError(
            f"{path}: its text fits none of the encodings known here (UTF-8, UTF-16, {', '.join(EAST_ASIAN + SINGLE_BYTE)}). "
            f"Save it as UTF-8, for example: iconv -f ENCODING -t UTF-8 {path.name}"
        )
    return found


def mark_of(encoding: str) -> bytes:
    """The byte order mark a file in this encoding may begin with."""
    return next((mark for mark, name in MARKS if name == encoding), b"")


def unmarked_utf16(sample: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of Western text is zero then, and the ones between are not."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = max(1, len(sample) // 2)
    if odd / half > 0.4 and even / half < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even / half > 0.4 and odd / half < 0.05 else None


def refuse_binary(path: Path, sample: bytes) -> None:
    """Refuse pictures, programs and the like; a stray control character is left to its row, in a short file too."""
    control = sum(sample.count(byte) for byte in range(32) if byte not in b"\t\n\r\f\x1b")
    if control > max(FEW_CONTROLS, len(sample) * 0.1):
        raise UserError(
            f"{path}: is not text: {control} of its first {len(sample)} bytes are control characters. Expected CSV, TSV, "
            "JSON, JSON lines, Parquet, Excel or text, plain or packed by gzip, bzip2, xz, zstd or zip."
        )


def foreign_lines(sample: bytes) -> list[bytes]:
    """The lines with bytes outside ASCII, up to `JUDGED` bytes of them."""
    found: list[bytes] = []
    size = 0
    for line in sample.splitlines():
        # ASCII is the same in all of them and would only dilute the shares
        if not line.isascii() and size < JUDGED:
            found.append(line[:JUDGED])
            size += len(line)
    return found


def judged(lines: Sequence[bytes]) -> str | None:
    """The encoding these lines are most likely in; None where nothing fits."""
    # Bytes of other encodings are valid UTF-8 by the rarest accident, so half of the lines are proof enough
    if share_fitting(lines, "utf-8") >= 0.5:
        return "utf-8"
    scores = {name: common_share(lines, name) for name in EAST_ASIAN if share_fitting(lines, name) >= FITS}
    # Korean syllables have the bytes of everyday Chinese characters; a third of those have bytes that no syllable has
    if scores.get("cp949", 0.0) >= KOREAN and len(foreign_characters(lines, "cp949")) >= ENOUGH:
        return "cp949"
    best = max(scores, key=lambda name: scores[name], default="")
    if best and scores[best] >= COMMON:
        return best
    if is_western(lines):
        return "cp1252"
    # Left to itself charset-normalizer also proposes EBCDIC and old Macintosh tables, which no shop exports
    guess = from_bytes(b"\n".join(lines), cp_isolation=list(SINGLE_BYTE), enable_fallback=False).best()
    if guess is not None:
        return guess.encoding
    # no guess: the encoding that makes Faults of the fewest lines, rather than of all
    return next((name for name in ("cp1252", *EAST_ASIAN) if share_fitting(lines, name) >= 0.5), None)


def is_western(lines: Sequence[bytes]) -> bool:
    """Whether lines read like a Western language in cp1252: accents on a few letters, and no symbols within words.

    Cyrillic, Greek and their like make most letters foreign; in Polish `ą` and `ł` would be the symbols `¹` and `³`.
    charset-normalizer takes short French and German texts for Central European, hence a rule of our own.
    """
    if share_fitting(lines, "cp1252") < FITS:
        return False
    text = b" ".join(lines).decode("cp1252", errors="ignore")
    letters = [character for character in text if character.isalpha()]
    foreign = [character for character in letters if ord(character) > 127]
    return len(foreign) <= 0.3 * len(letters) and len(SYMBOL_IN_WORD.findall(text)) <= 0.1 * len(foreign)


def share_fitting(lines: Sequence[bytes], encoding: str) -> float:
    """Share of lines that decode strictly; 1 where there are none."""
    return sum(fits(line, encoding) for line in lines) / len(lines) if lines else 1.0


def fits(line: bytes, encoding: str) -> bool:
    """Whether bytes decode; the last character may be cut off, for a sample ends anywhere."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(line)
    except UnicodeDecodeError:
        return False
    return True


def foreign_characters(lines: Sequence[bytes], encoding: str) -> list[str]:
    """The non-ASCII characters, were the lines in this encoding."""
    text = b"\n".join(lines).decode(encoding, errors="replace")
    return [character for character in text if ord(character) > 127]


def common_share(lines: Sequence[bytes], encoding: str) -> float:
    """Share of the non-ASCII characters that are common ones, were the lines in this encoding."""
    foreign = foreign_characters(lines, encoding)
    return sum(is_common(character, encoding) for character in foreign) / max(1, len(foreign))


def is_common(character: str, encoding: str) -> bool:
    """Whether a character is punctuation or one of the script that the encoding was made for.

    GB 2312 and Big5 put the some 4,000 and 5,400 characters of everyday use in front, so the lead byte tells.
    """
    if "\u3000" <= character <= "\u303f" or "\uff00" <= character <= "\uffef" or character in "‘’“”—…·×℃":
        return encoding != "cp932" or not "\uff61" <= character <= "\uff9f"  # half-width kana: any byte is one
    try:
        # the smaller, older sets: what was added to them later is not of everyday use
        lead = character.encode({"gb18030": "gb2312", "cp949": "euc_kr"}.get(encoding, encoding))[0]
    except UnicodeEncodeError:
        return False
    if encoding == "cp949":
        return 0xB0 <= lead <= 0xC8  # Python spells the rarer syllables as jamo, with other lead bytes
    if encoding in ("gb18030", "big5"):
        return 0xB0 <= lead <= 0xD7 if encoding == "gb18030" else 0xA4 <= lead <= 0xC6
    kana = unicodedata.name(character, "").startswith(("HIRAGANA", "KATAKANA"))
    return kana or (0x88 <= lead <= 0x97 if encoding == "cp932" else 0xB0 <= lead <= 0xCF)
