"""Writes lines as a PDF: one font, one line below the other, one page after the other."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen.canvas import Canvas

from apps.reports.csv_text import cell_text

LINES_PER_PAGE = 48
LEFT, TOP, LEADING = 36, 560, 11
FONT, SIZE = "Courier", 9


def pdf_bytes(lines: list[list[Any]]) -> bytes:
    """A document that shows `lines`; there is at least one, the header."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=landscape(A4))
    for first in range(0, len(lines), LINES_PER_PAGE):
        _page(canvas, lines[first : first + LINES_PER_PAGE])
    canvas.save()
    return out.getvalue()


def _page(canvas: Canvas, lines: Iterable[list[Any]]) -> None:
    page = canvas.beginText(LEFT, TOP)
    page.setFont(FONT, SIZE, LEADING)
    for line in lines:
        page.textLine(_drawable("  ".join(map(cell_text, line))))
    canvas.drawText(page)
    canvas.showPage()


def _drawable(written: str) -> str:
    # The standard fonts know the letters of western Europe; others become question marks.
    return written.encode("cp1252", "replace").decode("cp1252")
