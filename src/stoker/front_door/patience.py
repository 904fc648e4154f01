"""How long is waited for what is a client's turn."""


class Patience:
    """Begins anew with each step that the client is in time with. Looked at now and then, so that it needs no timer."""

    def __init__(self) -> None:
        self._steps = 0
        self._seen_steps, self._since = -1, 0.0

    def step(self) -> None:
        self._steps += 1

    def is_over(self, allowed_s: float | None, now: float) -> bool:
        """Whether the next step should have come by `now`; None: it is not the client's turn."""
        if allowed_s is None or self._seen_steps != self._steps:
            self._seen_steps, self._since = self._steps, now
            return False
        return now - self._since > allowed_s
