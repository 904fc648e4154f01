"""Wildcards: `*` for any characters, `?` for one. Matching takes time in proportion to the text, whatever the pattern.

A regular expression would not do: `a*a*a*…b` against many `a` makes it try every division of the text.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TypeAlias

Matcher: TypeAlias = Callable[[str], bool]


class Wildcard(Enum):
    """A part of a pattern that stands for other text."""

    MANY = "*"
    ONE = "?"


Part: TypeAlias = str | Wildcard


def compile_pattern(parts: Sequence[Part]) -> Matcher:
    """What says whether a text is wholly what the parts describe."""
    if Wildcard.ONE in parts:
        return _automaton(parts)
    if Wildcard.MANY not in parts:
        literal = "".join(part for part in parts if isinstance(part, str))
        return literal.__eq__
    return _segments(parts)


def _segments(parts: Sequence[Part]) -> Matcher:
    """For `*` alone: what is between two is looked for from left to right; the first place is as good as any."""
    pieces = [""]
    for part in parts:
        if isinstance(part, str):
            pieces[-1] += part
        else:
            pieces.append("")
    first, *others, last = pieces
    between = [piece for piece in others if piece]
    shortest = sum(map(len, pieces))

    def matches(text: str) -> bool:
        if len(text) < shortest or not (text.startswith(first) and text.endswith(last)):
            return False
        place, end = len(first), len(text) - len(last)
        for piece in between:
            place = text.find(piece, place, end)
            if place < 0:
                return False
            place += len(piece)
        return True

    return matches


def _automaton(parts: Sequence[Part]) -> Matcher:
    """All states of the pattern's automaton at once, a bit for each: state n has the first n characters behind it."""
    wanted: list[str | None] = []
    stays = 0
    for part in parts:
        if part is Wildcard.MANY:
            stays |= 1 << len(wanted)
        else:
            wanted.extend([None] if isinstance(part, Wildcard) else part)
    any_character = sum(1 << n for n, character in enumerate(wanted) if character is None)
    accepts: dict[str, int] = {}
    for n, character in enumerate(wanted):
        if character is not None:
            accepts[character] = accepts.get(character, any_character) | 1 << n
    final = len(wanted)

    def matches(text: str) -> bool:
        states = 1
        for character in text:
            states = (states & accepts.get(character, any_character)) << 1 | states & stays
            if not states:
                return False
        return bool(states >> final)

    return matches
