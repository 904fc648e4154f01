"""What one evaluation may take: a template is somebody else's program, and has to come to its end."""

import time

MAX_STEPS = 200_000
MAX_TEXT = 12 * 1024 * 1024
"""All text that is written or made on the way, in characters; an answer may have 10 MB."""

MAX_CPU_SECONDS = 0.5
"""Of the evaluation's own thread, however busy the machine is: steps on large values are large steps."""


class TemplateError(Exception):
    """A template came to no result; the message says why."""


class Budget:
    """Counts down. Every method raises TemplateError when there is nothing left."""

    def __init__(self) -> None:
        self._steps = MAX_STEPS
        self._text = MAX_TEXT
        self._until = time.thread_time() + MAX_CPU_SECONDS

    def __repr__(self) -> str:
        return f"<Budget {self._steps} steps, {self._text} characters>"

    def take_step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise TemplateError(f"the template takes more than {MAX_STEPS} steps")
        # The clock costs as much as a step: a large one is never far from another look at it.
        if not self._steps & 7 and time.thread_time() > self._until:
            raise TemplateError(f"the template takes more than {MAX_CPU_SECONDS:g} s")

    def take_text(self, length: int) -> None:
        self._text -= length
        if self._text < 0:
            raise TemplateError(f"the template makes more than {MAX_TEXT} characters")
