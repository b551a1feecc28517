"""What the publisher gives beside the data for its scoring: word mappings, and which slots are counted by which words."""

from collections.abc import Mapping

from ecom_llm.records import Record


class Protocol(Record):
    """RNNLG's `mapping.pair`, `detect.pair` and `special_values.txt`, as `collect` read them."""

    mapping: tuple[tuple[str, str], ...]
    """Words and what they become, in order: `it's` -> `it is`, `inches` -> `inch -s`."""
    general: Mapping[str, str]
    """Slot -> the token its value becomes (`SLOT_NAME`); the slots that count by their values."""
    binary: Mapping[str, tuple[str, ...]]
    """Slot -> the words that mention it; the slots that count by words. Yes or no makes no difference."""
    special: Mapping[str, str]
    """Spelling of a value that no text states -> its one name: `dont_care` -> `dontcare`, `true` -> `yes`."""
