"""What one file may ask of the machine. Bounds against accident and malice, not settings: no honest shop file meets them."""

CHUNK = 1 << 20
"""Bytes read at a time."""

SAMPLE = 1 << 18
"""Bytes at the beginning of a file from which its kind is recognised."""

ASCII_SEARCH = 1 << 25
"""Bytes that are searched for the first one that is not ASCII, when the sample holds none."""

LINE = 8 << 20
"""Bytes of a line, and characters of a CSV record, a JSON member or a cell."""

LITERAL = 1 << 20
"""Characters of a Python literal: its syntax tree takes a hundred times as much memory."""

RATIO = 200
"""Bytes out per byte of a compressed file. Text reaches 5 to 30; a bomb needs a thousand to be worth its while."""

RATIO_FROM = 16 << 20
"""Bytes out before the ratio is asked for: a small file of equal rows is no bomb."""

OUT = 1 << 38
"""Bytes out of a compressed text file (256 GiB): more is a disk full of one file."""

SPOOL = 4 << 30
"""Bytes of a Parquet or Excel file that stood in a compressed one and is unpacked to a temporary file."""

XZ_MEMORY = 256 << 20
"""Bytes the xz decompressor may ask for; `xz -9` needs 65 MB, its format allows 4 GB."""

DIRECTORY = 1 << 20
"""Bytes of a zip's table of contents: one file is expected, a spreadsheet has some dozens."""

PROCESS_MEMORY = 3 << 30
"""Address space of the process that reads a spreadsheet or a Parquet file, in bytes."""

PROCESS_SECONDS = 1800
"""CPU seconds of that process."""

COLUMN_CHUNK = 1 << 30
"""Uncompressed bytes of one column in one row group of Parquet; writers make some MB, seldom hundreds."""

NAMES = 1 << 20
"""Names in a JSON object of objects; they are kept, to see that each stands once."""

DEPTH = 100
"""Levels of lists and objects in a JSON value: Python's own JSON fails at some hundreds, reading or writing."""

COLUMNS = 1 << 14
"""Columns of a table: as many as a spreadsheet can have."""
