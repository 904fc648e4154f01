"""Whether an invocation may run now: AWS's limits on how many at once, how many a second, and how fast they grow. Pure.

Source: "Understanding Lambda function scaling" and "Lambda quotas" in the AWS Lambda Developer Guide.
"""

from stoker.environments.rates import Bucket
from stoker.functions.reservations import FunctionKey, Reservations

# The `Reason` of TooManyRequestsException.
ACCOUNT_LIMIT = "ConcurrentInvocationLimitExceeded"
RESERVED_LIMIT = "ReservedFunctionConcurrentInvocationLimitExceeded"
ACCOUNT_RATE = "FunctionInvocationRateLimitExceeded"
RESERVED_RATE = "ReservedFunctionInvocationRateLimitExceeded"

REQUESTS_PER_S_AND_CONCURRENCY = 10.0
SCALING_ENVIRONMENTS = 1000.0
SCALING_PER_S = 100.0
# What is known of functions that are not in use is forgotten from here on; their buckets are full again by then.
MAX_KNOWN_FUNCTIONS = 10_000


class FunctionUse:
    """What a function takes of its limits.

    `slots` counts invocations, and provisioned environments whether they have one or not.
    """

    __slots__ = ("requests", "scaling", "slots")

    def __init__(self) -> None:
        self.slots = 0
        self.requests = Bucket()
        self.scaling = Bucket()


class _Pool:
    """What the functions of a region without a reservation take together."""

    __slots__ = ("requests", "slots")

    def __init__(self) -> None:
        self.slots = 0
        self.requests = Bucket()


class Admission:
    """Counts what runs. Belongs to the event loop's thread; nothing here waits. `now` is in monotonic seconds."""

    def __init__(self, reservations: Reservations) -> None:
        self._reservations = reservations
        self._uses: dict[FunctionKey, FunctionUse] = {}
        self._pools: dict[str, _Pool] = {}
        reservations.on_change(self._recount)

    def __repr__(self) -> str:
        return f"<Admission {sum(use.slots for use in self._uses.values())} slots taken>"

    def enter(self, function: FunctionKey, now: float, *, provisioned: bool = False) -> str | None:
        """Take a slot for an invocation, to be given back by `leave`; or the reason why it is throttled.

        One that is `provisioned` runs in an environment that has its slot already, and only its rate counts.
        """
        use = self._uses.get(function) or self._begin(function)
        reserved = self._reservations.of(function)
        if reserved is not None:
            if not provisioned and use.slots >= reserved:
                return RESERVED_LIMIT
            rate = REQUESTS_PER_S_AND_CONCURRENCY * reserved
            if not use.requests.take(now, capacity=rate, per_s=rate):
                return RESERVED_RATE
        else:
            pool, shared = self._pools[function[0]], self._reservations.unreserved(function[0])
            if not provisioned and pool.slots >= shared:
                return ACCOUNT_LIMIT
            rate = REQUESTS_PER_S_AND_CONCURRENCY * shared
            if not pool.requests.take(now, capacity=rate, per_s=rate):
                return ACCOUNT_RATE
            pool.slots += not provisioned
        use.slots += not provisioned
        return None

    def leave(self, function: FunctionKey) -> None:
        """An invocation gives its slot back."""
        self._take(function, -1)

    def scale(self, function: FunctionKey, now: float) -> bool:
        """Whether a function may have one more environment now; if so, it counts."""
        bucket = (self._uses.get(function) or self._begin(function)).scaling
        return bucket.take(now, capacity=SCALING_ENVIRONMENTS, per_s=SCALING_PER_S)

    def may_scale(self, function: FunctionKey, now: float) -> bool:
        """Whether `scale` would say yes."""
        bucket = (self._uses.get(function) or self._begin(function)).scaling
        return bucket.has(now, capacity=SCALING_ENVIRONMENTS, per_s=SCALING_PER_S)

    def provision(self, function: FunctionKey) -> None:
        """A provisioned environment takes a slot for as long as it lives; whether it may was decided long before."""
        self._take(function, 1)

    def _take(self, function: FunctionKey, count: int) -> None:
        (self._uses.get(function) or self._begin(function)).slots += count
        if self._reservations.of(function) is None:
            self._pools[function[0]].slots += count

    def _begin(self, function: FunctionKey) -> FunctionUse:
        if len(self._uses) >= MAX_KNOWN_FUNCTIONS:
            self._uses = {key: use for key, use in self._uses.items() if use.slots}
        self._pools.setdefault(function[0], _Pool())
        return self._uses.setdefault(function, FunctionUse())

    def _recount(self, region: str) -> None:
        """A function got a reservation or lost it: what it takes counts elsewhere from now on."""
        self._pools.setdefault(region, _Pool()).slots = sum(
            use.slots
            for function, use in self._uses.items()
            if function[0] == region and self._reservations.of(function) is None
        )
