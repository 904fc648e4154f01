"""A place in a text that moves forward."""

import re

_SPACE = re.compile(r"\s*")


class TemplateSyntaxError(Exception):
    """No template can be made of a text; the message says why."""


class Scanner:
    """Every method that takes something moves behind it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def __repr__(self) -> str:
        return f"<Scanner at {self.at} of {len(self.text)}>"

    @property
    def at_end(self) -> bool:
        return self.at >= len(self.text)

    def peek(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.match(self.text, self.at)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def next_is(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def one(self) -> str:
        """The next character."""
        self.at += 1
        return self.text[self.at - 1]

    def skip_space(self) -> None:
        self.take(_SPACE)

    def accept(self, text: str) -> bool:
        """Whether `text` comes next, after space; it is taken then."""
        self.skip_space()
        if not self.next_is(text):
            return False
        self.at += len(text)
        return True

    def expect(self, text: str) -> None:
        if not self.accept(text):
            line = self.text.count("\n", 0, self.at) + 1
            raise TemplateSyntaxError(f"{text!r} was expected in line {line}")
