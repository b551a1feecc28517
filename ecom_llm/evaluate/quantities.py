"""Numbers and what they measure: `1 kg`, `1000 g`, `一千克` and `1,000克` are one quantity, and so is `15.6"` with `15.6英寸`.

Units of one row turn into each other exactly; inches and centimetres do not, since shops round when they convert.
"""

from functools import cache

import regex

TABLE: tuple[dict[float, str], ...] = (
    {
        1: "mm millimetre millimeter 毫米",
        10: "cm centimetre centimeter 厘米 公分",
        1e3: "m metre meter 米",
        1e6: "km 千米 公里",
    },
    {1: 'inch 英寸 吋 寸 " ”', 12: "ft foot feet 英尺"},
    {1: "mg 毫克", 1e3: "g gram gramme 克", 5e5: "斤", 1e6: "kg kilo kilogram kilogramme 千克 公斤", 1e9: "tonne 吨"},
    {1: "oz ounce 盎司", 16: "lb pound 磅"},
    {1: "ml millilitre milliliter 毫升", 10: "cl", 1e3: "l litre liter 升"},
    {1: "gallon gal 加仑"},
    {1: "kb", 1e3: "mb 兆", 1e6: "gb gigabyte", 1e9: "tb terabyte"},
    {1: "s sec second 秒 秒钟", 60: "min minute 分钟", 3600: "h hr hour 小时 钟头"},
    {1: "day 天", 7: "week 周 星期"},
    {1: "month 个月", 12: "year yr 年"},
    {1: "w watt 瓦", 1e3: "kw kilowatt 千瓦"},
    {1: "v volt 伏", 1e3: "kv"},
    {1: "mah 毫安时 毫安", 1e3: "ah 安时"},
    {1: "wh", 1e3: "kwh 度电"},
    {1: "hz hertz 赫兹", 1e3: "khz 千赫", 1e6: "mhz 兆赫", 1e9: "ghz 吉赫"},
    {1: "% percent 百分"},
    {1: "°c celsius 摄氏度"},
    {1: "°f fahrenheit 华氏度"},
    {1: "mp megapixel 百万像素", 0.01: "万像素"},
    {1: "dollar usd 美元", 0.01: "cent 美分"},
    {1: "yuan rmb cny 元 人民币"},
    {1: "euro eur 欧元"},
    {1: "gbp 英镑"},
)
"""Of each dimension the units by their size in its smallest."""
UNITS = {
    word: (row, size) for row, units in enumerate(TABLE) for size, words in units.items() for word in words.split()
}
"""Unit -> (dimension, size)."""
CURRENCIES = {"$": "usd", "¥": "cny", "€": "eur", "£": "gbp"}

COUNTED = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
NUMBER_WORDS = {word: number for number, word in enumerate(COUNTED.split())} | {
    "twenty": 20,
    "thirty": 30,
    "fifty": 50,
    "hundred": 100,
}
"""`one` counts before a unit alone: elsewhere it is more often a pronoun."""
HAN_DIGITS = {character: number for number, character in enumerate("零一二三四五六七八九")} | {"两": 2}
HAN_NUMBER = regex.compile("(?!万)[零一二两三四五六七八九十百千万]+")
FRACTION = regex.compile(r"(?:(\d+)[ -])?(\d{1,2})/(2|3|4|8|16|32|64)(?!\d)")
"""`3/4`, `29 1/2` and `29-1/2`, as inches and cups are divided."""
NUMBER = regex.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?")
SPACED = r"[[\p{L}\p{M}\p{N}]--[\p{Han}\p{Hiragana}\p{Katakana}\u30fc\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]"
"""A character that goes on with a word in a script with spaces."""


def singular(word: str) -> str:
    """An English word without its plural s (Harman 1991, "How Effective is Suffixing?", the S stemmer)."""
    if word.endswith("ies") and not word.endswith(("eies", "aies")) and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("us", "ss", "is")) and len(word) > 3:
        return word[:-1]
    return word


def number_of(text: str) -> float | None:
    """The number that a text is, in digits: `1,000` is a thousand, `1,4` and `1.4` are one."""
    if not NUMBER.fullmatch(text):
        return None
    thousands = regex.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text)
    return float(text.replace(",", "") if thousands else text.replace(",", "."))


def fraction_of(match: regex.Match[str]) -> float | None:
    """The number that a `FRACTION` is; None where nothing is divided, as in `6/4`."""
    part, whole = int(match[2]), int(match[3])
    return int(match[1] or 0) + part / whole if 0 < part < whole else None


def han_number(text: str) -> float | None:
    """The number that Chinese numerals below a hundred million spell: `两` is 2, `十五` 15, `三百五十` 350."""
    total, section, digit = 0, 0, 0
    for character in text:
        if character in HAN_DIGITS:
            digit = HAN_DIGITS[character]
        elif character == "万":
            total, section, digit = (section + digit) * 10_000, 0, 0
        else:
            section += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[character]
            digit = 0
    return float(total + section + digit)


def number_key(number: float) -> str:
    """How a bare number is compared."""
    return f"#{number:.10g}"


def quantity_key(number: float, unit: str) -> str:
    """How a number with a unit is compared: in the smallest unit of its dimension; a unit of no table stays its own."""
    row, size = UNITS.get(unit) or UNITS.get(singular(unit)) or (singular(unit), 1)
    return f"{number_key(number * size)} {row}"


@cache
def unit_pattern(others: frozenset[str]) -> regex.Pattern[str]:
    """A unit right after a number, or after one space or hyphen: those of the table, and `others`.

    `in` counts only where it touches its number: elsewhere it is a preposition.
    """
    longest_first = sorted({*UNITS, *others}, key=lambda unit: (-len(unit), unit))
    spelled = "|".join(map(regex.escape, longest_first))
    return regex.compile(rf"(?V1)(?:[ -]?(?P<unit>{spelled})(?:e?s)?|(?P<unit>in))(?:(?<!{SPACED})|(?!{SPACED}))")


def is_closing_quote(text: str, place: int) -> bool:
    """Whether a quotation mark ends a quotation, and is therefore no sign for inches."""
    if text[place] == '"':
        return text.count('"', 0, place) % 2 == 1
    return text.count("“", 0, place) > text.count("”", 0, place)


def unit_at(text: str, place: int, others: frozenset[str]) -> tuple[str, int] | None:
    """(unit, where it ends) of the unit that follows a number which ends at `place`, or None."""
    match = unit_pattern(others).match(text, place)
    if match is None:
        return None
    unit = "inch" if match["unit"] == "in" else match["unit"]
    if unit in ('"', "”") and is_closing_quote(text, match.start("unit")):
        return None
    return unit, match.end()
