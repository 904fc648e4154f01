"""What provisioned concurrency costs while nobody calls: charged in steps of five minutes, each when it begins.

Source: "Provisioned Concurrency Pricing" on aws.amazon.com/lambda/pricing: from when it is enabled until it is
disabled, rounded up to the nearest five minutes.
"""

from collections.abc import Callable

from stoker.model.clock import Clock, Timer
from stoker.model.function import FunctionVersion
from stoker.model.invocation import ProvisionedStep

STEP_S = 300
Charge = Callable[[ProvisionedStep], None]


class HeldMeter:
    """Charges one configuration. Steps are counted from when that was made, so that one is the same after a restart."""

    def __init__(self, charge: Charge, clock: Clock) -> None:
        self._charge = charge
        self._clock = clock
        self._timer: Timer | None = None

    def hold(self, function: FunctionVersion, *, qualifier: str, count: int, since: float) -> None:
        """So many environments are held ready from `since` on (seconds since the epoch), instead of what was."""
        self.stop()
        begun = max(0, int((self._clock.time() - since) // STEP_S))
        step = ProvisionedStep(
            at=since + begun * STEP_S,
            account=function.account,
            region=function.region,
            function=function.name,
            version=function.version,
            qualifier=qualifier,
            architecture=function.architecture,
            memory_mb=function.memory_mb,
            count=count,
            seconds=STEP_S,
        )
        self._charge(step)
        self._timer = self._clock.call_later(
            max(0.0, step.at + STEP_S - self._clock.time()),
            lambda: self.hold(function, qualifier=qualifier, count=count, since=since),
        )

    def stop(self) -> None:
        """Nothing is held any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
