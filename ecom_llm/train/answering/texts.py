"""Texts -> tokens, and the passages of an answer that may be quoted."""

import re

from ecom_llm.train.recommender.titles import HAN

TOKEN = re.compile(rf"[{HAN}]|[^\W_{HAN}]+")
SENTENCE = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])|\n+")
CLAUSE = re.compile(r"(?<=[,，])\s*")
LONG_SENTENCE = 20
"""Tokens from which on a sentence is also quoted clause by clause."""
MOST_TOKENS = 60
"""Longest passage: beyond it, a stretch of one clause is cut."""
MOST_PIECES = 14
"""Sentences and clauses of an answer that are looked at: bounds what a long one costs."""
UNKNOWING = re.compile(
    r"\b(?:don['’]?t|do not|can['’]?t|cannot|can not|couldn['’]?t|unable to|not|no)\b[\w\s'’]{0,12}"
    r"\b(?:know|sure|certain|idea|tell|say|find|information|details?)\b|\bnot (?:stated|mentioned|specified)\b"
    r"|\b(?:listing|page|sheet|description) (?:says nothing|is silent|has no word)\b"
    "|不知道|不清楚|不确定|不太清楚|没有.{0,4}信息|无法(?:确定|回答|判断|得知|确认|提供)|(?:没有?|未)(?:提及|提到|写明|写到|标注|标明|注明|说明(?!书))",
    re.IGNORECASE,
)
"""How an earlier answer says that it is none."""


def tokens(text: str) -> list[str]:
    """Words in lower case, Chinese by characters."""
    return TOKEN.findall(text.lower())


def pieces(text: str) -> list[str]:
    """The sentences of a text, long ones by their clauses."""
    found: list[str] = []
    for sentence in SENTENCE.split(text):
        found += CLAUSE.split(sentence) if len(tokens(sentence)) > LONG_SENTENCE else [sentence]
    return [piece.strip() for piece in found if TOKEN.search(piece)]


def shortened(piece: str) -> str:
    """A clause that is too long, up to a word of it."""
    ends = [match.end() for match in TOKEN.finditer(piece)]
    return piece if len(ends) <= MOST_TOKENS else piece[: ends[MOST_TOKENS - 1]] + " ..."


def passages(text: str) -> list[str]:
    """Every stretch of a few whole sentences or clauses, in which nobody says that they do not know."""
    known = [shortened(piece) for piece in pieces(text)[:MOST_PIECES]]
    sizes = [len(tokens(piece)) for piece in known]
    joint = "" if re.search(rf"[{HAN}]", text) else " "
    found: list[str] = []
    for first in range(len(known)):
        for last in range(first + 1, len(known) + 1):
            if last > first + 1 and sum(sizes[first:last]) > MOST_TOKENS:
                break
            passage = joint.join(known[first:last]).rstrip(",;，； ")
            if not UNKNOWING.search(passage):
                found.append(passage)
    return list(dict.fromkeys(found))
