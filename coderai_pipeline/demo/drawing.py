"""Draws a demo document as PDF, DOCX, HTML or text from a list of blocks. What the documents say is in `sources/`."""

import html
import importlib
import io
from pathlib import Path
from typing import Any, NotRequired, TypeAlias, TypedDict

Pairs: TypeAlias = list[list[str]]
Block: TypeAlias = dict[str, Any]
"""One of: letterhead, h1, h2, p (a string), form (label and value), grid (rows of two such), table (rows, the first a header)."""


class Source(TypedDict):
    file: str
    layout: str
    blocks: list[Block]
    gold: dict[str, Any]
    language: NotRequired[str]
    header: NotRequired[str]
    footer: NotRequired[str]


_PAGE = (0.0, 0.0, 595.0, 842.0)
_BOTTOM = 780.0
_ROOM = 48.0
"""What a column gets beyond the least, so that no heading stands alone at its foot."""
_PAGE_CSS = """
body { font-family: sans-serif; font-size: 10pt; line-height: 1.35; color: #1b2733; }
.letterhead { font-size: 11pt; font-weight: bold; color: #14506e; border-bottom: 1.2pt solid #14506e; padding-bottom: 3pt; }
h1 { font-size: 16pt; margin: 14pt 0 8pt 0; }
h2 { font-size: 11.5pt; color: #14506e; margin: 12pt 0 3pt 0; }
p { margin: 0 0 6pt 0; text-align: left; }
table { border-collapse: collapse; width: 100%; margin: 4pt 0 8pt 0; }
td, th { border: 0.6pt solid #b9c6d0; padding: 3pt 5pt; font-size: 9pt; text-align: left; }
th { font-weight: bold; color: #14506e; }
.label { white-space: nowrap; color: #44535f; }
.half { width: 212pt; }
.caption { font-size: 7pt; color: #5b6b78; }
"""
_WEB_CSS = """
body { font: 16px/1.55 Georgia, serif; color: #1b2733; max-width: 44rem; margin: 2.5rem auto; padding: 0 1rem; }
.letterhead { font: 600 1rem sans-serif; color: #14506e; border-bottom: 2px solid #14506e; padding-bottom: .4rem; }
h1, h2 { font-family: sans-serif; line-height: 1.25; } h2 { color: #14506e; font-size: 1.15rem; }
table { border-collapse: collapse; width: 100%; } td, th { border: 1px solid #b9c6d0; padding: .35rem .6rem; text-align: left; }
th { background: #e8eff4; } dt { font-weight: 600; } dd { margin: 0 0 .5rem 1rem; }
"""


def draw(source: Source, path: Path) -> None:
    """Writes the document; the file's suffix decides the format and `layout` how it looks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.suffix:
        case ".pdf":
            path.write_bytes(_pdf(source))
        case ".docx":
            path.write_bytes(_docx(source))
        case ".html":
            path.write_text(_web_page(source), encoding="utf-8")
        case ".txt":
            path.write_text("\n".join(block["p"] for block in source["blocks"]) + "\n", encoding="utf-8")
        case other:
            raise ValueError(f"{path.name}: no drawing for {other} (pdf, docx, html, txt)")


def _pdf(source: Source) -> bytes:
    match source["layout"]:
        case "columns":
            return _pages(source, columns=2)
        case "scan":
            return _as_images(_pages(source))
        case "truncated":
            whole = _pages(source)
            return whole[: len(whole) // 3]
        case _:
            return _pages(source)


def _library(name: str) -> Any:
    """A drawing library, imported when it is used; untyped, as none of them declares its types."""
    return importlib.import_module(name)


def _pages(source: Source, columns: int = 1) -> bytes:
    pymupdf = _library("pymupdf")

    story = pymupdf.Story(_body(source["blocks"]), user_css=_PAGE_CSS)
    bottom = _balanced_bottom(story, columns) if columns > 1 else _BOTTOM
    buffer = io.BytesIO()
    writer = pymupdf.DocumentWriter(buffer)
    more = 1
    while more:
        device = writer.begin_page(pymupdf.Rect(_PAGE))
        for column in range(columns):
            if more:
                more, _ = story.place(_column(column, columns, bottom))
                story.draw(device)
        writer.end_page()
    writer.close()
    document = pymupdf.open(stream=buffer.getvalue())
    _add_running_lines(document, source)
    document.set_metadata({"title": _title(source), "producer": "", "creator": ""})
    document.subset_fonts()
    return document.tobytes(garbage=4, deflate=True, no_new_id=True)


def _balanced_bottom(story: Any, columns: int) -> float:
    """The lowest edge with which the columns of one page hold the whole story, so that all are about equally full."""
    for bottom in range(300, int(_BOTTOM), 12):
        more = 1
        for column in range(columns):
            if more:
                more, _ = story.place(_column(column, columns, bottom))
                story.draw(None)
        story.reset()
        if not more:
            return bottom + _ROOM
    return _BOTTOM


def _column(column: int, columns: int, bottom: float) -> Any:
    pymupdf = _library("pymupdf")

    left, right, gutter = 62.0, 533.0, 22.0
    width = (right - left - gutter * (columns - 1)) / columns
    x0 = left + column * (width + gutter)
    return pymupdf.Rect(x0, 64, x0 + width, bottom)


def _add_running_lines(document: Any, source: Source) -> None:
    grey = (0.36, 0.42, 0.47)
    for number, page in enumerate(document, start=1):
        header, footer = source.get("header"), source.get("footer")
        if header and number > 1:
            page.insert_text((62, 40), header, fontsize=8, color=grey)
        if footer:
            page.insert_text((62, 812), footer, fontsize=8, color=grey)
            page.insert_text((500, 812), f"{number} / {document.page_count}", fontsize=8, color=grey)


def _as_images(pdf: bytes) -> bytes:
    """The same pages as a scanner gives them: grey images, a little askew, no text."""
    pymupdf = _library("pymupdf")

    scanned = pymupdf.open()
    for page in pymupdf.open(stream=pdf):
        picture = page.get_pixmap(colorspace=pymupdf.csGRAY, matrix=pymupdf.Matrix(1.8, 1.8).prerotate(0.4))
        sheet = scanned.new_page(width=_PAGE[2], height=_PAGE[3])
        sheet.insert_image(sheet.rect, stream=picture.tobytes("jpeg", jpg_quality=55))
    return scanned.tobytes(garbage=4, deflate=True, no_new_id=True)


def _title(source: Source) -> str:
    return next((block["h1"] for block in source["blocks"] if "h1" in block), source["file"])


def _body(blocks: list[Block], form_as_list: bool = False) -> str:
    return "\n".join(_block(kind, content, form_as_list) for block in blocks for kind, content in block.items())


def _block(kind: str, content: Any, form_as_list: bool) -> str:
    match kind:
        case "letterhead":
            return f'<p class="letterhead">{html.escape(content)}</p>'
        case "form" if form_as_list:
            return "<dl>" + "".join(f"<dt>{_text(a)}</dt><dd>{_text(b)}</dd>" for a, b in content) + "</dl>"
        case "form":
            rows = [f'<tr><td class="label">{_text(a)}</td><td>{_text(b)}</td></tr>' for a, b in content]
            return f"<table>{''.join(rows)}</table>"
        case "grid":
            return f"<table>{''.join(_grid_row(row) for row in content)}</table>"
        case "table":
            head, *rows = [[_text(cell) for cell in row] for row in content]
            lines = [_row(head, "th"), *(_row(row, "td") for row in rows)]
            return f"<table>{''.join(lines)}</table>"
        case _:
            return f"<{kind}>{_text(content)}</{kind}>"


def _grid_row(row: list[list[str]]) -> str:
    return (
        "<tr>"
        + "".join(f'<td class="half"><span class="caption">{_text(a)}</span><br/>{_text(b)}</td>' for a, b in row)
        + "</tr>"
    )


def _row(cells: list[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"


def _text(value: str) -> str:
    return html.escape(value, quote=False)


def _web_page(source: Source) -> str:
    language = source.get("language", "en")
    body = _body(source["blocks"], form_as_list=source["layout"] == "definitions")
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n<title>{_text(_title(source))}</title>\n'
        f"<style>{_WEB_CSS}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _docx(source: Source) -> bytes:
    docx, shared = _library("docx"), _library("docx.shared")
    document = docx.Document()
    document.styles["Normal"].font.name = "Calibri"
    document.styles["Normal"].font.size = shared.Pt(10.5)
    document.core_properties.title = _title(source)
    document.core_properties.author = ""
    for block in source["blocks"]:
        for kind, content in block.items():
            match kind:
                case "letterhead":
                    run = document.add_paragraph().add_run(content)
                    run.bold = True
                    run.font.color.rgb = shared.RGBColor(0x14, 0x50, 0x6E)
                case "h1" | "h2":
                    document.add_heading(content, level=int(kind[1]))
                case "form" | "table":
                    _add_table(document, content, with_header=kind == "table")
                case _:
                    document.add_paragraph(content)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _add_table(document: Any, rows: Pairs, with_header: bool) -> None:
    table = document.add_table(rows=0, cols=len(rows[0]), style="Table Grid")
    for number, row in enumerate(rows):
        for cell, value in zip(table.add_row().cells, row, strict=True):
            run = cell.paragraphs[0].add_run(value)
            run.bold = with_header and number == 0
    document.add_paragraph()
