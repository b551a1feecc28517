"""The model as MLflow serves it: rows of skill, locale and attributes -> texts (models from code: no pickle).

MLflow runs this file once when the model is logged and again wherever it is loaded, with the package beside it.
"""

import json
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext


class ShopWriter(PythonModel):
    """A model folder behind MLflow's `predict`."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model on the device there is; logging the model loads nothing."""
        from ecom_llm.serve.write import load_writer
        from ecom_llm.write.decoding import Decoding

        decoding = Decoding.model_validate(dict(context.model_config))
        self.writer = load_writer(Path(context.artifacts["model"]), device="auto", decoding=decoding)

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame) -> list[str]:
        """One text for each row; `attributes` is a JSON object of strings, numbers and lists of them.

        Raises:
            UserError: a row names no known skill, or its attributes are empty or no such object.
        """
        from ecom_llm.serve.write import asked

        rows = model_input.to_dict("records")
        return self.writer.write([asked(row["skill"], row["locale"], attributes(row["attributes"])) for row in rows])


def attributes(text: str) -> dict[str, str]:
    """A row's attributes; anything but a JSON object of strings, numbers, and lists of them is a UserError."""
    from ecom_llm.records import LIST_SEPARATOR, UserError

    def said(name: str, value: object) -> str:
        if isinstance(value, list) and value and not any(isinstance(one, list) for one in value):
            return LIST_SEPARATOR.join(said(name, one) for one in value)
        if isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
            if not (name.strip() and str(value).strip()):
                raise UserError(f"attributes: {name!r} is {value!r}. Leave out what is empty.")
            return str(value)
        raise UserError(f"attributes: {name} is {json.dumps(value)[:80]}; expected a text, a number, or a list of them")

    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"attributes: {error}; expected a JSON object of strings, found {text[:80]!r}") from error
    if not isinstance(found, dict):
        raise UserError(f"attributes: expected a JSON object of strings, found {text[:80]!r}")
    return {name: said(name, value) for name, value in found.items()}


mlflow.models.set_model(ShopWriter())
