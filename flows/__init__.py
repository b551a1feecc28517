"""The flows, which read like their sentences, and the command line over them."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said before an older Python meets what it cannot parse
    sys.exit(f"error: ecom-llm needs Python 3.11 or 3.12; this is {sys.version.split()[0]}. Make its .venv with one.")
