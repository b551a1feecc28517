"""Scripts in which words stand without spaces between them."""

import re

UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
"""A character of such a script (kana, Han): beside it a word may begin and end anywhere."""
