"""The environments that are there before anybody calls, of one version: started, counted, replaced when they end."""

from dataclasses import dataclass

from stoker.environments.assignment import EnvironmentKey
from stoker.environments.environment import Environment
from stoker.environments.fleet import Fleet
from stoker.environments.state import State
from stoker.model.clock import Clock, Timer
from stoker.model.function import FunctionVersion

# So many are started at the same time: more would only be in each other's way, and in that of callers.
STARTING_AT_ONCE = 4
# Until memory is looked at again that an environment could not have.
ROOM_RETRY_S = 0.5
# Until a function is tried again whose init failed, or whose environments end without an invocation.
FAILURE_RETRY_S = 60.0
# AWS's reason, as CloudFormation shows it.
INIT_FAILURE = "FUNCTION_ERROR_INIT_FAILURE"
ENVIRONMENT_FAILURE = "An environment could not be started. The server's log says why; it is tried again in a minute."


@dataclass(frozen=True, kw_only=True)
class ProvisionedState:
    """What there is of what was asked for: initialised environments, running ones included."""

    available: int
    status: str
    reason: str | None = None


class Allocation:
    """What one configuration has of one version; a fleet's ProvisionedOwner. Belongs to the event loop's thread."""

    def __init__(self, fleet: Fleet, clock: Clock) -> None:
        self._fleet = fleet
        self._clock = clock
        self._function: FunctionVersion | None = None
        # What environments must agree in.
        self._kind: tuple[EnvironmentKey, str | None] | None = None
        self._wanted = 0
        # Whether each is initialised.
        self._environments: dict[Environment, bool] = {}
        self._failure: str | None = None
        self._retry: Timer | None = None

    def __repr__(self) -> str:
        return f"<Allocation {self._available} of {self._wanted}>"

    @property
    def _available(self) -> int:
        return sum(self._environments.values())

    @property
    def state(self) -> ProvisionedState:
        available = min(self._available, self._wanted)
        if available >= self._wanted:
            return ProvisionedState(available=available, status="READY")
        if self._failure is not None:
            return ProvisionedState(available=available, status="FAILED", reason=self._failure)
        return ProvisionedState(available=available, status="IN_PROGRESS")

    def ask(self, function: FunctionVersion | None, count: int = 0, sandbox: str | None = None) -> None:
        """Have so many of this version, in the sandbox that it chose; None lets all go."""
        kind = None if function is None else (EnvironmentKey.of(function), sandbox)
        if kind != self._kind:
            self._dismiss(len(self._environments))
        self._function, self._kind, self._wanted = function, kind, count
        self._failure = None
        self._dismiss(len(self._environments) - self._wanted)
        self._fill()

    @property
    def running(self) -> int:
        """How many of its environments have an invocation."""
        return sum(environment.state is State.RUNNING for environment in self._environments)

    def ready(self, environment: Environment) -> None:
        if environment in self._environments:
            self._environments[environment] = True
            self._failure = None
            self._fill()

    def gone(self, environment: Environment) -> None:
        initialised = self._environments.pop(environment, None)
        if initialised is None:
            return
        if environment.init_failed:
            self._fail(INIT_FAILURE)
        elif not environment.invocations and not environment.aged:
            self._fail(ENVIRONMENT_FAILURE)
        else:
            self._later(0.0)

    def stop(self) -> None:
        """Start no more."""
        self._function = None
        self._environments.clear()
        if self._retry is not None:
            self._retry.cancel()

    def _fill(self) -> None:
        """Start what is missing, a few at a time: each that is ready makes place for the next."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._function is None:
            return
        missing = self._wanted - len(self._environments)
        starting = len(self._environments) - self._available
        for _ in range(min(missing, STARTING_AT_ONCE - starting)):
            environment = self._fleet.provision(self._function, self)
            if environment is None:
                self._later(ROOM_RETRY_S)
                return
            self._environments[environment] = False

    def _fail(self, reason: str) -> None:
        self._failure = reason
        self._later(FAILURE_RETRY_S)

    def _later(self, delay_s: float) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = self._clock.call_later(delay_s, self._fill)

    def _dismiss(self, count: int) -> None:
        """Let so many go, those that are not initialised first."""
        for environment in sorted(self._environments, key=lambda each: self._environments[each])[: max(0, count)]:
            del self._environments[environment]
            self._fleet.dismiss(environment)
