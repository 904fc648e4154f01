"""The rows as a picture: a pair of bars for every comparison, each pair on a scale of its own."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from report import Row

WIDTH, LABEL, BAR, PAIR, MARGIN = 760, 250, 14, 56, 16
OURS, THEIRS, GOOD, BAD = "#d9480f", "#adb5bd", "#2b8a3e", "#c92a2a"
LONGEST = WIDTH - LABEL - 150


def as_svg(rows: Sequence[Row], title: str) -> str:
    """An SVG of the rows that have something to stand beside."""
    pairs = [row for row in rows if row.reference is not None]
    height = 2 * MARGIN + 24 + PAIR * len(pairs)
    drawn = "".join(_pair(row, MARGIN + 24 + PAIR * place) for place, row in enumerate(pairs))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
        f"{_text(MARGIN, MARGIN + 10, title, weight='bold')}{drawn}</svg>\n"
    )


def _pair(row: Row, top: int) -> str:
    assert row.reference is not None
    longest = max(row.value, row.reference)
    verdict = {True: f"{row.target}: met", False: f"{row.target}: not met", None: ""}[row.met]
    return (
        _text(MARGIN, top + 12, row.what)
        + _text(MARGIN, top + 29, verdict, colour=BAD if row.met is False else GOOD)
        + _bar(top, row.value / longest, OURS, f"Stoker {row.cells()[1]}")
        + _bar(top + BAR + 3, row.reference / longest, THEIRS, f"{row.beside} {row.cells()[3]}")
    )


def _bar(top: int, share: float, colour: str, label: str) -> str:
    length = max(1.0, share * (LONGEST - 60))
    return (
        f'<rect x="{LABEL}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>\n'
        f"{_text(LABEL + length + 6, top + 11, label)}"
    )


def _text(x: float, y: float, words: str, *, colour: str = "#212529", weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-weight="{weight}">{escape(words)}</text>\n'
