"""A sentence -> its tokens as RNNLG compares them: lower case, punctuation apart, contractions and plurals in parts."""

import re

Pairs = tuple[tuple[str, str], ...]
PHONE = re.compile(r"\(?(\d{3})\)?[-.\s]?(\d{3})[-.\s]?(\d{4})")
PUNCTUATION = re.compile(r"(?<!\d)([?.,!])|([?.,!])(?!\d)")
"""Not between digits, as in 3.5."""
QUOTES = re.compile(r"^'|'$|'(?=\s)|(?<=\s)'")


def normalise(sentence: str, mapping: Pairs, join_numbers: bool = True) -> str:
    """Tokens joined by single spaces; the steps and their order are those of RNNLG's `utils/nlp.py`.

    Args:
        join_numbers: make one token of a number that follows another, as RNNLG does with the sentences of its data. What a
            model wrote it scores as it stands: `tecra 9 4 gb` would lose a name and a memory.
    """
    text = PHONE.sub(lambda match: "".join(match.groups()), sentence.lower().strip())
    text = text.replace(";", ",").replace("/", " and ")
    text = re.sub('[":<>@]', "", text).replace(" - ", "")
    text = PUNCTUATION.sub(r" \1\2 ", text)
    text = QUOTES.sub("", re.sub(r"\s+", " ", text).strip())
    for word, replacement in mapping:
        text = f" {text} ".replace(f" {word} ", f" {replacement} ")[1:-1]
    text = re.sub(r"'s", " 's ", text)
    tokens = text.split()
    return " ".join(joined_numbers(tokens) if join_numbers else tokens)


def joined_numbers(tokens: list[str]) -> list[str]:
    """Tokens with every number that follows another, as in a phone number, joined to it."""
    joined: list[str] = []
    for token in tokens:
        if joined and token.isdigit() and joined[-1].isdigit():
            joined[-1] += token
        else:
            joined.append(token)
    return joined


def without_end(sentence: str) -> str:
    """The sentence without a last, free-standing full stop, question or exclamation mark."""
    return re.sub(r" [.?!]$", "", sentence)
