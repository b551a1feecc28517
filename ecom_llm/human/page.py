"""A sheet as one HTML file that asks nothing of any network and works where it is opened, without a server."""

import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ecom_llm.human.sheet import columns, rows
from ecom_llm.human.study import SCALES, Sheet
from ecom_llm.human.words import REASONS, WORDS


def embedded(value: object) -> Markup:
    """JSON that may stand in a script element: no text of a shop can end it or open a comment (WHATWG HTML, 4.12.1.3)."""
    body = json.dumps(value, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        body = body.replace(character, f"\\u{ord(character):04x}")
    return Markup(body)


def render_sheet(sheet: Sheet) -> str:
    """The page of one rater."""
    here = Path(__file__).parent
    environment = Environment(loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined)
    data = {
        "study": sheet.study,
        "kind": sheet.kind,
        "rater": sheet.rater,
        "digest": sheet.digest,
        "tasks": [task.model_dump() for task in sheet.tasks],
        "scales": SCALES,
        "reasons": REASONS,
        "words": WORDS,
        "columns": columns(sheet.kind),
        "rows": list(rows(sheet)),
    }
    return environment.get_template("page.html.jinja").render(
        data=embedded(data),
        program=Markup((here / "page.js").read_text(encoding="utf-8")),
        words=WORDS["en"],
        kind=sheet.kind,
    )
