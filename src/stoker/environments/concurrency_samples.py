"""How many invocations run, looked at once a second: for metrics, without a count on the way of an invocation."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from stoker.environments.fleet import Fleet
from stoker.environments.provisioning import Provisioning
from stoker.functions.reservations import FunctionKey, Reservations
from stoker.model.clock import Clock, Timer

INTERVAL_S = 1.0


class ProvisionedUse(Struct, frozen=True, kw_only=True):
    """Of a provisioned configuration: its environments, and those that have an invocation."""

    region: str
    function: str
    qualifier: str
    available: int
    running: int


class ConcurrencySample(Struct, frozen=True, kw_only=True):
    """Running invocations by function, by region, and by region of functions without a reservation."""

    by_function: Mapping[FunctionKey, int]
    by_region: Mapping[str, int]
    unreserved: Mapping[str, int]
    provisioned: tuple[ProvisionedUse, ...]


class ConcurrencySampler:
    """Tells `observe` every second in which something runs. A second with nothing costs the question."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        provisioning: Provisioning,
        reservations: Reservations,
        clock: Clock,
        observe: Callable[[ConcurrencySample], None],
    ) -> None:
        self._fleet = fleet
        self._provisioning = provisioning
        self._reservations = reservations
        self._clock = clock
        self._observe = observe
        self._timer: Timer | None = None

    def __repr__(self) -> str:
        return f"<ConcurrencySampler {'stopped' if self._timer is None else 'looking'}>"

    def start(self) -> None:
        self._timer = self._clock.call_later(INTERVAL_S, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        # First: whatever becomes of this look, there is a next.
        self.start()
        by_function = self._fleet.running_by_function()
        if by_function:
            self._observe(self._sample(by_function))

    def _sample(self, by_function: Mapping[FunctionKey, int]) -> ConcurrencySample:
        by_region: dict[str, int] = {}
        unreserved: dict[str, int] = {}
        for function, running in by_function.items():
            region = function[0]
            by_region[region] = by_region.get(region, 0) + running
            if self._reservations.of(function) is None:
                unreserved[region] = unreserved.get(region, 0) + running
        uses = tuple(
            ProvisionedUse(region=region, function=name, qualifier=qualifier, available=available, running=running)
            for region, name, qualifier, available, running in self._provisioning.uses()
        )
        return ConcurrencySample(by_function=by_function, by_region=by_region, unreserved=unreserved, provisioned=uses)
