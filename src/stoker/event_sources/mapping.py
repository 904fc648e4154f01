"""A mapping: a source, a function, and how the one is brought to the other."""

from dataclasses import dataclass, field

from stoker.model.arn import FunctionId

# StateTransitionReason is one of these, as AWS words it for its two families of sources.
BY_USER_OF_QUEUE = "USER_INITIATED"
BY_USER_OF_STREAM = "User action"
CHANGING = frozenset({"Creating", "Enabling", "Disabling", "Updating", "Deleting"})


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user can say, with what holds by default. Seconds and counts; None where a source has no such option."""

    enabled: bool = True
    batch_size: int = 10
    window_s: int = 0
    filters: tuple[str, ...] = ()
    report_failures: bool = False
    max_concurrency: int | None = None
    starting_position: str | None = None
    starting_timestamp: float | None = None
    parallelization: int = 1
    bisect: bool = False
    max_retries: int = -1
    max_age_s: int = -1
    tumbling_s: int = 0
    on_failure: str | None = None


@dataclass(frozen=True, kw_only=True)
class SourceAccess:
    """How a source lets Stoker in that has credentials of its own. Whatever `uri` is, it is not shown."""

    kind: str
    uri: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """One event source mapping. `modified` is in seconds since the epoch."""

    uuid: str
    function: FunctionId
    qualifier: str | None
    source_arn: str
    options: Options
    state: str
    modified: float
    last_result: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    access: tuple[SourceAccess, ...] = ()

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.function.region}:{self.function.account}:event-source-mapping:{self.uuid}"

    @property
    def function_arn(self) -> str:
        return self.function.arn(self.qualifier)

    @property
    def wanted(self) -> str:
        """The state that it is to come to."""
        return "Enabled" if self.options.enabled else "Disabled"
