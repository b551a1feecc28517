"""Files of any shop -> rows: kind, compression and encoding are recognised, bad rows are Faults, nothing is unbounded."""

from ecom_llm.collect.files.reading import read_lines, read_rows
from ecom_llm.collect.files.rows import Fault, Row, Shape
from ecom_llm.collect.files.shape import shape_of

__all__ = ["Fault", "Row", "Shape", "read_lines", "read_rows", "shape_of"]
