"""Yes or no: what earlier answers say to alike questions, and how an answer opens with it."""

import re
from collections.abc import Sequence
from math import exp, log1p

import numpy as np

from ecom_llm.train.answering.evidence import Told
from ecom_llm.train.answering.lexicon import Lexicon

YES = re.compile(r"^\W*(?:yes|yep|yeah|yup|absolutely|definitely|certainly|of course)\b|^\W*(?:是的|可以|能|有的|会的)", re.I)
NO = re.compile(r"^\W*(?:no|nope)\b|^\W*(?:不|没有|无法)", re.I)
DENIAL = re.compile(
    r"\b(?:does|do|will|would|can|could|is|are|did|was|has|have)(?: not|n['’]?t)\b|\bcan ?not\b|\bnot\b", re.I
)
ASKING = re.compile(
    r"(?:^|[.!?,;:]\s*|\b(?:and|but|so)\s+)"
    r"(?P<verb>does|do|did|is|are|was|were|can|could|will|would|has|have|should)\s+(?P<who>\w+)",
    re.I,
)
OPEN_WORDS = re.compile(r"\b(?:what|which|how|where|when|why|who|whose)\b", re.I)
THIRD = {"does", "is", "can", "could", "will", "would", "has", "should"}
"""Verbs of which a product is the subject: `it does`."""
PLURAL = {"do", "are", "have"}
"""And those of which several are: `they do`."""
PEOPLE = {"you", "i", "we", "anyone", "someone", "anybody", "people"}


def stance(text: str) -> int:
    """1 where an answer opens with a yes, -1 with a no, else 0."""
    return 1 if YES.search(text) else -1 if NO.search(text) else 0


def leaning(text: str) -> int:
    """`stance`, or -1 where the first sentence of an answer denies something."""
    return stance(text) or (-1 if DENIAL.search(re.split(r"[.!?\n]", text, maxsplit=1)[0]) else 0)


def asks_yes_or_no(question: str) -> bool:
    """Whether a question can be answered by yes or no: in English, by how it begins; in Chinese, by its particles."""
    if re.search(r"[吗嘛么]|是否|能不能|可不可以|有没有|是不是|会不会", question):
        return True
    return bool(ASKING.search(question)) and not re.search(r"\bor\b", question, re.I)


def opening(question: str, says: int) -> str:
    """How an answer to an English question opens: `Yes, it does.`, or plainly `Yes.`; `says` is 1 or -1."""
    found = list(ASKING.finditer(question))
    word = "Yes" if says > 0 else "No"
    if not found:
        return f"{word}."
    verb, who = found[-1]["verb"].lower(), found[-1]["who"].lower()
    negated = "" if says > 0 else " not"
    if verb in ("can", "could") and who in PEOPLE:
        return f"{word}, you can{negated}."
    if who in PEOPLE:
        return f"{word}."
    if verb in THIRD:
        return f"{word}, it {verb}{negated}."
    return f"{word}, they {verb}{negated}." if verb in PLURAL else f"{word}."


def votes(question: str, told: Sequence[Told], lexicon: Lexicon) -> np.ndarray:
    """(features,) float64: what the earlier answers say to alike questions, the liker the louder."""
    asked = lexicon.read(question)
    says, like = [], []
    for one in told:
        other = lexicon.read(one.question)
        says.append(leaning(one.answer))
        like.append(
            lexicon.words.cosine(asked.words, other.words) + lexicon.grams.cosine(asked.grams, other.grams)
        )
    row: list[float] = []
    for heat in (0.0, 4.0, 12.0):
        loud = np.array([exp(heat * (one - max(like))) for one in like])
        loud = loud / loud.sum()
        row += [float(loud @ (np.array(says) == side)) for side in (1, -1)]
    nearest = int(np.argmax(like))
    found = ASKING.search(question)
    verb = found["verb"].lower() if found else ""
    return np.array(
        [
            *row,
            like[nearest] * says[nearest],
            like[nearest],
            log1p(len(told)),
            float(bool(OPEN_WORDS.search(question))),
            *(float(verb == one) for one in ("does", "do", "is", "are", "can", "will", "would")),
            float(bool(found) and found["who"].lower() in PEOPLE),
        ]
    )
