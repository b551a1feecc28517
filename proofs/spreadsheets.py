"""Spreadsheets written by hand, so that they can hold what no honest program writes."""

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = (
    f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>'
)


def text_cell(text: str) -> str:
    """A cell of text; `REF` is replaced by its place."""
    return f'<c r="REF" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def formula_cell(formula: str, cached: str) -> str:
    """A cell with a formula and the number that the program which wrote it had computed."""
    return f'<c r="REF"><f>{escape(formula)}</f><v>{cached}</v></c>'


def number_cell(number: str) -> str:
    """A cell of a number."""
    return f'<c r="REF"><v>{number}</v></c>'


def sheet(rows: Sequence[Sequence[str]], first: int = 1, extra: str = "") -> str:
    """The XML of a sheet whose cells begin in column A of row `first`; `extra` stands behind the rows."""
    lines = []
    for number, cells in enumerate(rows, start=first):
        placed = (cell.replace("REF", f"{chr(65 + place)}{number}") for place, cell in enumerate(cells))
        lines.append(f'<row r="{number}">{"".join(placed)}</row>')
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}{extra}</sheetData></worksheet>'


def xlsx(*sheets: str, hidden: Sequence[int] = ()) -> bytes:
    """An .xlsx file with these sheets, called S1, S2 ...; those whose number is in `hidden` are hidden."""
    numbers = range(1, len(sheets) + 1)
    state = {number: ' state="hidden"' if number in hidden else "" for number in numbers}
    listed = "".join(f'<sheet name="S{n}" sheetId="{n}"{state[n]} r:id="rId{n}"/>' for n in numbers)
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    root = f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
    parts = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{root}</Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{related}</Relationships>',
        **{f"xl/worksheets/sheet{n}.xml": xml for n, xml in enumerate(sheets, start=1)},
    }
    return packed(parts)


def ods(rows: Sequence[Sequence[str]]) -> bytes:
    """An .ods file with one sheet of text cells."""
    office, table, text = (f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" for name in ("office", "table", "text"))
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    lines = "".join(
        f"<table:table-row>{''.join(cell.format(escape(text)) for text in row)}</table:table-row>" for row in rows
    )
    body = f'<office:spreadsheet><table:table table:name="S1">{lines}</table:table></office:spreadsheet>'
    content = (
        f'<office:document-content xmlns:office="{office}" xmlns:table="{table}" xmlns:text="{text}">'
        f"<office:body>{body}</office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return packed({"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": content})


def packed(parts: dict[str, str]) -> bytes:
    """A zip archive of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()
