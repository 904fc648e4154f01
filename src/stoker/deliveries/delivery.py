"""One thing on its way from a service to a target, and how long to try."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# EventBridge's figures for a target that says nothing else; Scheduler's are the same.
DEFAULT_RETRIES = 185
DEFAULT_MAX_AGE_S = 86_400.0
FIRST_BACKOFF_S = 1.0
# AWS says no more than "exponential, with jitter". With this 185 retries take about a day, as the two defaults say.
LONGEST_BACKOFF_S = 600.0


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What is to be handed to `target`, an ARN (or the URL of an HTTP endpoint).

    `body` is the event or message. `caller` is the service principal that delivers (`s3.amazonaws.com`), `source_arn`
    what it acts for: the target's policy is asked about both. With a `group_id`, deliveries of a group to a target
    arrive in the order in which they were put. `attributes` become a queue's message attributes: Strings, unless a name
    says otherwise (`ErrorCode:Number`, or `:Binary` with the value in base64). `role_arn` is the role to deliver as,
    where the target has one.
    """

    target: str
    body: bytes
    caller: str
    source_arn: str
    region: str
    account: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    group_id: str | None = None
    deduplication_id: str | None = None
    role_arn: str | None = None
    trace_id: str | None = None

    @property
    def is_outside(self) -> bool:
        """Whether it leaves Stoker."""
        return not self.target.startswith("arn:")

    @property
    def service(self) -> str:
        """Who takes it: the service in the target's ARN, or a URL's scheme."""
        parts = self.target.split(":", 3)
        return parts[2] if parts[0] == "arn" and len(parts) == 4 else parts[0]


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How often a delivery that failed for a while is tried again, and for how long; seconds.

    `delays_s` are the waits after the first, the second, … failure where a service documents them; the last one holds
    for all that follow. Without, they double from a second to ten minutes.
    """

    max_retries: int = DEFAULT_RETRIES
    max_age_s: float = DEFAULT_MAX_AGE_S
    delays_s: tuple[float, ...] = ()

    def delay_s(self, failures: int, jitter: float) -> float:
        """The wait after so many failures (from 1); `jitter` in [0, 1) spreads those that failed together."""
        if self.delays_s:
            return self.delays_s[min(failures, len(self.delays_s)) - 1]
        # Beyond 30 doublings any second is more than the longest wait, and 2.0 ** n would overflow one day.
        return min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(failures - 1, 30)) * (0.5 + jitter / 2)


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """Where a delivery goes that was given up: a queue's ARN.

    What went wrong is added to `attributes` as message attributes; None adds nothing (SNS). `body` is what the queue
    gets where that is not what the target would have got.
    """

    queue: str
    attributes: Mapping[str, str] | None = field(default_factory=dict)
    body: bytes | None = None
