"""The log of one environment: the platform's lines and the function's own, in order, into its stream."""

from collections.abc import Callable, Sequence

from stoker.environments.outcome import Outcome
from stoker.environments.subscribers import EXTENSION, FUNCTION, Subscribers
from stoker.environments.variables import ON_DEMAND, PROVISIONED
from stoker.functions.runtimes import runtime_version_arn
from stoker.model.clock import Clock
from stoker.model.function import FunctionVersion
from stoker.model.invocation import LedgerEntry, LogEvent, LogStream, Report
from stoker.model.runtime import Runtime
from stoker.observability.log_format import JsonLog, PlatformLog, application_line_passes, platform_log
from stoker.observability.telemetry import Telemetry
from stoker.runtime_api.extensions import ExtensionState
from stoker.runtime_api.telemetry_stream import TelemetryStream

# LAMBDA.md, Invoke: `X-Amz-Log-Result` is the last 4 KB of the invocation's log.
TAIL_BYTES = 4096


class EnvironmentLog:
    """Gathers events and appends them together: an invocation that logs nothing costs one append, at its end.

    What it gathered is safe once `flush` or `ended` has returned, and not before. What a process writes is appended
    at once, unless `holding`. Extensions that subscribed are told the same as events.
    """

    def __init__(
        self,
        *,
        telemetry: Telemetry,
        stream: LogStream,
        function: FunctionVersion,
        runtime: Runtime,
        clock: Clock,
        initialization_type: str = ON_DEMAND,
        restores: bool = False,
        template: str | None = None,
    ) -> None:
        """`restores`: it begins from SnapStart's snapshot. `template` says which part one had in an ordinary start."""
        self._restores = restores
        self._template = template
        self.stream = stream
        self._provisioned = initialization_type == PROVISIONED
        self._telemetry = telemetry
        self._function = function
        self._runtime = runtime
        self._clock = clock
        self._platform = platform_log(
            function=function.name,
            version=function.version,
            logging=function.logging,
            initialization_type=initialization_type,
        )
        self._filters = function.logging.log_format == "JSON"
        self._events: list[LogEvent] = []
        self._tail: bytearray | None = None
        self.holding = False
        self._qualifier = ""
        self._runtime_done = False
        # Everybody who wants events; None once it is known that nobody does.
        self._subscribers: Subscribers | None = Subscribers(
            JsonLog(
                function=function.name,
                version=function.version,
                system_level="DEBUG",
                initialization_type=initialization_type,
            )
        )

    def init_started(self) -> None:
        """The environment begins."""
        at_ms, full_version = self._now_ms(), self._runtime.full_version
        arn = runtime_version_arn(self._function.region, self._runtime.name, full_version)
        version = _runtime_version(self._runtime.name, full_version)
        if self._restores:
            self._add(at_ms, self._platform.restore_start(at_ms, runtime_version=version, runtime_arn=arn))
            return
        self._say(
            at_ms,
            "initStart",
            lambda log: log.init_start(
                at_ms,
                runtime_version=version,
                runtime_arn=arn,
                template=self._template if log is self._platform else None,
            ),
        )

    def init_ended(
        self, duration_ms: float, *, again: bool, outcome: Outcome, extensions: Sequence[ExtensionState] = ()
    ) -> None:
        """An init is over; how, says `outcome`. One that ran `again` belongs to the invocation's phase."""
        at_ms, phase = self._now_ms(), "invoke" if again else "init"
        status, error_type = outcome.status, outcome.error_type
        if self._restores and not again:
            for text in self._platform.restored(at_ms, duration_ms=duration_ms, status=status, error_type=error_type):
                self._add(at_ms, text)
            self._end_of_init(status)
            return
        self._say(
            at_ms,
            "initRuntimeDone",
            lambda log: log.init_runtime_done(at_ms, status=status, error_type=error_type),
        )
        for extension in extensions:
            self._extension(at_ms, extension)
        self._say(
            at_ms,
            "initReport",
            lambda log: log.init_report(
                at_ms, duration_ms=duration_ms, status=status, error_type=error_type, phase=phase
            ),
        )
        self._end_of_init(status)

    def subscribed(self, name: str, stream: TelemetryStream) -> None:
        """An extension wants to be told everything."""
        at_ms, api, types = self._now_ms(), stream.subscription.api, stream.subscription.types
        if self._subscribers is not None:
            self._subscribers.subscribe(name, stream)
        self._say(
            at_ms,
            f"{api.lower()}Subscription",
            lambda log: log.subscribed(at_ms, api=api, name=name, types=types),
        )

    def unsubscribed(self) -> None:
        """The extensions are gone."""
        if self._subscribers is not None:
            self._subscribers.unsubscribe()

    def began(self, request_id: str, *, keep_tail: bool, qualifier: str = "") -> None:
        """An invocation begins, for who called the function by that alias or version. With `keep_tail`, `ended` returns
        the end of its log.
        """
        self._qualifier = qualifier
        self._tail = bytearray() if keep_tail else None
        at_ms = self._now_ms()
        self._runtime_done = False
        self._add(at_ms, self._platform.start(at_ms, request_id))
        if self._subscribers is not None:
            self._subscribers.platform("start", self._subscribers.lines.start(at_ms, request_id))

    def wrote(self, lines: list[str]) -> None:
        """The function wrote lines."""
        at_ms = self._now_ms()
        for line in lines:
            if not self._filters or application_line_passes(self._function.logging, line):
                self._add(at_ms, line + "\n")
        if self._subscribers is not None:
            self._subscribers.wrote(FUNCTION, at_ms, lines)
        if not self.holding:
            self.flush()

    def extension_wrote(self, lines: list[str]) -> None:
        """External extensions wrote lines."""
        at_ms = self._now_ms()
        for line in lines:
            self._add(at_ms, line + "\n")
        if self._subscribers is not None:
            self._subscribers.wrote(EXTENSION, at_ms, lines)
        if not self.holding:
            self.flush()

    def runtime_done(self, report: Report, outcome: Outcome) -> None:
        """The runtime is done with the invocation, and extensions are not: `report` is up to here."""
        self._end(self._now_ms(), report, outcome)
        self._runtime_done = True
        self.flush()

    def ended(self, report: Report, outcome: Outcome) -> bytes | None:
        """The invocation is over: its last lines and its row in the ledger are kept together, and safe on return."""
        at_ms = self._now_ms()
        if not self._filters:
            for line in outcome.lines:
                self._add(at_ms, line + "\n")
        if not self._runtime_done and (self._filters or self._subscribers is not None):
            self._end(at_ms, report, outcome)
        if not self._filters:
            self._add(at_ms, self._platform.end(at_ms, report))
        self._add(at_ms, self._platform.report(at_ms, report))
        if self._subscribers is not None:
            self._subscribers.ended(at_ms, report.request_id)
            self._subscribers.platform("report", self._subscribers.lines.report(at_ms, report))
        self._append(self._entry(at_ms, report))
        tail, self._tail = self._tail, None
        return None if tail is None else bytes(tail[-TAIL_BYTES:])

    def flush(self) -> None:
        """Append what is gathered."""
        if self._events:
            self._append(None)

    def _end(self, at_ms: int, report: Report, outcome: Outcome) -> None:
        """The runtime's end. The text's END line says that of everything, and comes before REPORT."""
        produced_bytes = report.streamed_bytes or len(outcome.payload)
        if self._filters:
            self._add(at_ms, self._platform.end(at_ms, report, produced_bytes=produced_bytes))
        if self._subscribers is not None:
            line = self._subscribers.lines.end(at_ms, report, produced_bytes=produced_bytes)
            self._subscribers.platform("runtimeDone", line)

    def _extension(self, at_ms: int, extension: ExtensionState) -> None:
        self._say(
            at_ms,
            "extension",
            lambda log: log.extension(
                at_ms,
                name=extension.name,
                state=extension.stage,
                events=extension.events,
                error_type=extension.error_type,
            ),
        )

    def _say(self, at_ms: int, kind: str, form: Callable[[PlatformLog], str | None]) -> None:
        """A line of the platform's, in the log's form and as an event: on the way of an init, not of an invocation."""
        self._add(at_ms, form(self._platform))
        if self._subscribers is not None:
            self._subscribers.platform(kind, form(self._subscribers.lines))

    def _end_of_init(self, status: str) -> None:
        if self._subscribers is not None and status == "success" and not self._subscribers.end_of_init():
            self._subscribers = None

    def _entry(self, at_ms: int, report: Report) -> LedgerEntry:
        function = self._function
        return LedgerEntry(
            request_id=report.request_id,
            at=at_ms / 1000,
            account=function.account,
            region=function.region,
            function=function.name,
            version=function.version,
            architecture=function.architecture,
            report=report,
            provisioned=self._provisioned,
            qualifier=self._qualifier,
        )

    def _append(self, entry: LedgerEntry | None) -> None:
        events, self._events = self._events, []
        self._telemetry.append(self.stream, events, entry)

    def _add(self, at_ms: int, text: str | None) -> None:
        if text is None:
            return
        self._events.append(LogEvent(timestamp_ms=at_ms, message=text))
        if self._tail is not None:
            self._tail += text.encode()
            if len(self._tail) > 2 * TAIL_BYTES:
                del self._tail[:-TAIL_BYTES]

    def _now_ms(self) -> int:
        return int(self._clock.time() * 1000)


def _runtime_version(name: str, full_version: str) -> str:
    """AWS's form of a runtime's exact version: `python:3.11.v7` for 3.11.7."""
    family = name.rstrip("0123456789.x") if not name.startswith("provided.") else "provided"
    release = name.removeprefix(family).strip(".").removesuffix(".x")
    patch = full_version.removeprefix(f"{release}.")
    return f"{family}:{release}.v{patch}" if patch else f"{family}:{release}"
