"""Personal data in shop texts, English and Chinese, found by form, checksum and the words before it, and replaced.

What is promised: e-mail addresses, phone numbers, Chinese resident identity numbers, bank cards, IP addresses and
order (or tracking) numbers. Names and postal addresses are an option (`names.py`) and not promised.
"""

from ecom_llm.prepare.personal.find import find
from ecom_llm.prepare.personal.scrub import count_placeholders, scrub, scrub_text
from ecom_llm.prepare.personal.span import TYPES, Span, Type, placeholder

__all__ = ["TYPES", "Span", "Type", "count_placeholders", "find", "placeholder", "scrub", "scrub_text"]
