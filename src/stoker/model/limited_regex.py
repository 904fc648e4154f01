"""Regular expressions of others, with a bound on the time that they take.

Python's own have none, and keep every other thread waiting. The module that has is loaded when it is first needed.
"""

import re
from typing import Any

MOST_SECONDS = 0.2
# A repetition is compiled as often as it says: three numbers in each other took all of the machine's memory. So
# many pieces take 33 MB.
MOST_ATOMS = 30_000
MOST_CHARACTERS = 5_000
# What would have the sizes below read otherwise than they are: comments, and modes in which there are such.
_UNREADABLE = re.compile(r"\(\?(#|[A-Za-z0-9-]*[xV])")
_PIECE = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?P<least>[0-9]+)(?:,[0-9]*)?\}|(?P<other>[*?]|\{[^{}]*\})|.", re.DOTALL
)


class PatternError(Exception):
    """It is no regular expression."""


class PatternTimeoutError(Exception):
    """An expression took longer than it may."""


class Pattern:
    """One expression. Whatever looks into a text raises PatternTimeoutError."""

    def __init__(self, text: str, *, ascii_only: bool = False) -> None:
        """`ascii_only`: \\d, \\w and \\s are ASCII's. Raises PatternError."""
        import regex

        if len(text) > MOST_CHARACTERS or _UNREADABLE.search(text) or _size(text) > MOST_ATOMS:
            raise PatternError(f"{text[:100]}: the expression is too large, or has comments")
        try:
            flags = regex.ASCII if ascii_only else regex.DOTALL
            self._compiled: regex.Pattern[str] = regex.compile(text, flags=flags)
        except regex.error as error:
            raise PatternError(f"{text}: {error}") from None

    def __repr__(self) -> str:
        return f"<Pattern {self._compiled.pattern!r}>"

    def matches(self, text: str) -> bool:
        """Whether it is the whole text that is meant."""
        return self._do("fullmatch", text) is not None

    def finds(self, text: str) -> bool:
        """Whether it is anywhere in the text."""
        return self._do("search", text) is not None

    def split(self, text: str, most: int = 0) -> list[str]:
        """The parts between its matches; at most so many splits unless 0."""
        return [part or "" for part in self._do("split", text, maxsplit=most)]

    def replace(self, text: str, template: str, most: int = 0) -> str:
        """The text with its matches replaced; `template` has groups as `\\g<1>`."""
        return str(self._do("sub", template, text, count=most))

    def _do(self, method: str, *given: Any, **options: Any) -> Any:
        try:
            # concurrent: other threads run meanwhile.
            return getattr(self._compiled, method)(*given, timeout=MOST_SECONDS, concurrent=True, **options)
        except TimeoutError:
            raise PatternTimeoutError(f"{self._compiled.pattern} took more than {MOST_SECONDS} s") from None


def _size(text: str) -> int:
    """How many atoms an expression has once its repetitions are written out; too many rather than too few."""
    # For each group that is open: the atoms in it, and those of the last piece, which a repetition is of.
    sizes, last = [0], 0
    for piece in _PIECE.finditer(text):
        if piece["least"] is not None or piece[0] == "+":
            # What has to come n times is written out n times, and once more in a loop.
            digits = piece["least"] or "1"
            more = last * int(digits) if len(digits) < 10 else MOST_ATOMS + 1
            last += more
        elif piece["other"] is not None:
            # Another repetition may follow, of the same.
            more = 1
        elif piece[0] == "(":
            sizes.append(0)
            last = more = 0
        elif piece[0] == ")" and len(sizes) > 1:
            last = more = sizes.pop() + 1
        else:
            last = more = 1
        sizes[-1] += more
    return sum(sizes)
