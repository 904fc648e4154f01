"""The rows as a picture: for each figure a bar of Stoker's and those that stand beside it, on a scale of their own."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from report import Row

WIDTH, LABEL, BAR, GAP, MARGIN = 800, 330, 14, 3, 16
# Between blocks, and the least of one: its name and a verdict take two lines.
SPACE, LEAST = 22, 2 * (BAR + GAP)
OURS, THEIRS, GOOD, BAD = "#d9480f", "#adb5bd", "#2b8a3e", "#c92a2a"
LONGEST = WIDTH - LABEL - 210


def as_svg(rows: Sequence[Row], title: str) -> str:
    """An SVG of the rows that have something to stand beside. Rows of one figure are one block."""
    blocks: dict[str, list[Row]] = {}
    for row in rows:
        if row.reference is not None:
            blocks.setdefault(row.what, []).append(row)
    drawn, top = "", MARGIN + 28
    for block in blocks.values():
        drawn += _block(block, top)
        top += _height(block) + SPACE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
        'font-family="system-ui, sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>\n'
        f"{_text(MARGIN, MARGIN + 10, title, weight='bold')}{drawn}</svg>\n"
    )


def _height(block: Sequence[Row]) -> int:
    return max(LEAST, (1 + len(block)) * (BAR + GAP))


def _block(block: Sequence[Row], top: int) -> str:
    ours = block[0]
    longest = max(ours.value, *(row.reference or 0.0 for row in block))
    drawn = _text(MARGIN, top + 11, ours.what) + _bar(top, ours.value / longest, OURS, f"Stoker {ours.cells()[1]}")
    judged = [row for row in block if row.met is not None]
    for row in judged[:1]:
        beside = f" to {row.beside}" if len(block) > 1 else ""
        words = f"{row.target}{beside}: {'met' if row.met else 'not met'}"
        drawn += _text(MARGIN, top + 28, words, colour=GOOD if row.met else BAD)
    for place, row in enumerate(block, start=1):
        share = (row.reference or 0.0) / longest
        drawn += _bar(top + place * (BAR + GAP), share, THEIRS, f"{row.beside} {row.cells()[3]}")
    return drawn


def _bar(top: int, share: float, colour: str, label: str) -> str:
    length = max(1.0, share * LONGEST)
    return (
        f'<rect x="{LABEL}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>\n'
        f"{_text(LABEL + length + 6, top + 11, label)}"
    )


def _text(x: float, y: float, words: str, *, colour: str = "#212529", weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-weight="{weight}">{escape(words)}</text>\n'
