"""What one evaluation may take: a template is somebody else's program, and has to come to its end."""

MAX_STEPS = 200_000
MAX_TEXT = 12 * 1024 * 1024
"""All text that is written or made on the way, in characters; an answer may have 10 MB."""


class TemplateError(Exception):
    """A template came to no result; the message says why."""


class Budget:
    """Counts down. Every method raises TemplateError when there is nothing left."""

    def __init__(self) -> None:
        self._steps = MAX_STEPS
        self._text = MAX_TEXT

    def __repr__(self) -> str:
        return f"<Budget {self._steps} steps, {self._text} characters>"

    def take_step(self, count: int = 1) -> None:
        self._steps -= count
        if self._steps < 0:
            raise TemplateError(f"the template takes more than {MAX_STEPS} steps")

    def take_text(self, length: int) -> None:
        self._text -= length
        if self._text < 0:
            raise TemplateError(f"the template makes more than {MAX_TEXT} characters")
