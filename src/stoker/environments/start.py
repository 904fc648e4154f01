"""One environment's start: which of its phases it is in, and how long those took that are over."""

from stoker.environments.feed import ColdStart, EnvironmentView, Phase
from stoker.model.clock import Clock


class Start:
    """Begins with the sandbox. `name` is the phase that it is in, None once it is over."""

    __slots__ = ("_clock", "_since", "began", "name", "phases")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.began = clock.time()
        self._since = clock.monotonic()
        self.name: str | None = "sandbox"
        self.phases: tuple[Phase, ...] = ()

    def __repr__(self) -> str:
        return f"<Start {self.name or 'over'}>"

    def enter(self, name: str | None) -> None:
        """The phase is over and another begins; None: the start is over."""
        now = self._clock.monotonic()
        if self.name is not None:
            self.phases = (*self.phases, Phase(name=self.name, ms=round((now - self._since) * 1000, 3)))
        self.name, self._since = name, now

    def told(self, view: EnvironmentView, *, failed: bool) -> ColdStart:
        """It is over: as those hear of it who count."""
        return ColdStart(
            number=view.number,
            region=view.region,
            function=view.function,
            version=view.version,
            kind=view.kind,
            from_template=view.from_template,
            began=self.began,
            phases=self.phases,
            failed=failed,
        )
