"""Every parameter of the project: a frozen tree with the same spelling as params.yaml, and no defaults of its own.

One module for each section.
"""

from ecom_llm.params.collect import Collect, Form, Source
from ecom_llm.params.evaluate import Evaluate
from ecom_llm.params.prepare import Prepare
from ecom_llm.params.promote import HUMAN, Promote, Regression, Sanity, Slice, Study, SubsetRegression, Threshold
from ecom_llm.params.runtime import Registry, Runtime
from ecom_llm.params.section import Section
from ecom_llm.params.train import Train
from ecom_llm.params.tree import LOADER, Params, load_params, read_yaml, validate

__all__ = [
    "HUMAN",
    "LOADER",
    "Collect",
    "Evaluate",
    "Form",
    "Params",
    "Prepare",
    "Promote",
    "Registry",
    "Regression",
    "Runtime",
    "Sanity",
    "Section",
    "Slice",
    "Source",
    "Study",
    "SubsetRegression",
    "Threshold",
    "Train",
    "load_params",
    "read_yaml",
    "validate",
]
