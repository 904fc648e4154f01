"""Regular expressions of others, with a bound on the time that they take.

Python's own have none, and keep every other thread waiting. The module that has is loaded when it is first needed.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass

MOST_SECONDS = 0.2


class PatternError(Exception):
    """It is no regular expression."""


class PatternTimeoutError(Exception):
    """An expression took longer than it may."""


class Pattern:
    """One expression. Whatever looks into a text raises PatternTimeoutError."""

    def __init__(self, text: str) -> None:
        """Raises PatternError."""
        import regex

        try:
            self._compiled: regex.Pattern[str] = regex.compile(text, flags=regex.DOTALL)
        except regex.error as error:
            raise PatternError(f"{text}: {error}") from None

    def __repr__(self) -> str:
        return f"<Pattern {self._compiled.pattern!r}>"

    def matches(self, text: str) -> bool:
        """Whether it is the whole text that is meant."""
        return self._do("fullmatch", text) is not None

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
