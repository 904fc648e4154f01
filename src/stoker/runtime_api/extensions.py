"""The Extensions API as a state machine, without I/O: who is registered, who is busy, and with what.

External extensions are the executables in /opt/extensions; the platform starts them and knows their names before they
speak. Internal ones are threads of the function's process that register by themselves. States are named as AWS names
them in the log, refusals are those of AWS's own Extensions API: 403, with a type that begins with `Extension.`.
Source: "Using the Lambda Extensions API to create extensions" in the AWS Lambda Developer Guide.
"""

import re
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from stoker.runtime_api.session import Refusal, error_name

# LAMBDA.md, Runtime API: at most so many, of both kinds together.
MAX_EXTENSIONS = 10
# A name ends up in the log; longer ones are no file's.
_NAME = re.compile(r"[^\x00-\x1f\x7f/]{1,255}")


class Event(StrEnum):
    """What an extension can ask to be told of."""

    INVOKE = "INVOKE"
    SHUTDOWN = "SHUTDOWN"


class Stage(StrEnum):
    """Where an extension stands in the protocol."""

    STARTED = "Started"  # runs, and has not registered yet
    REGISTERED = "Registered"  # has never asked for an event
    READY = "Ready"  # has asked and waits
    RUNNING = "Running"  # has an event to work on
    INIT_ERROR = "InitError"
    EXIT_ERROR = "ExitError"
    LAUNCH_ERROR = "LaunchError"
    EXITED = "Exited"


class Said(StrEnum):
    """What moves an extension on."""

    REGISTER = "register"
    NEXT = "next"
    EVENT = "event"  # it was given one
    WITHDRAW = "withdraw"  # the connection that had asked went away
    INIT_ERROR = "init/error"
    EXIT_ERROR = "exit/error"


# What is not in here is refused. Of several errors only the first counts, but all are accepted.
TRANSITIONS: Mapping[tuple[Stage, Said], Stage] = {
    (Stage.STARTED, Said.REGISTER): Stage.REGISTERED,
    (Stage.REGISTERED, Said.NEXT): Stage.READY,
    (Stage.REGISTERED, Said.INIT_ERROR): Stage.INIT_ERROR,
    (Stage.REGISTERED, Said.EXIT_ERROR): Stage.EXIT_ERROR,
    (Stage.READY, Said.EVENT): Stage.RUNNING,
    (Stage.READY, Said.WITHDRAW): Stage.RUNNING,
    (Stage.READY, Said.EXIT_ERROR): Stage.EXIT_ERROR,
    (Stage.RUNNING, Said.NEXT): Stage.READY,
    (Stage.RUNNING, Said.EXIT_ERROR): Stage.EXIT_ERROR,
    (Stage.INIT_ERROR, Said.INIT_ERROR): Stage.INIT_ERROR,
    (Stage.EXIT_ERROR, Said.EXIT_ERROR): Stage.EXIT_ERROR,
}
_ENDED = frozenset({Stage.INIT_ERROR, Stage.EXIT_ERROR, Stage.LAUNCH_ERROR, Stage.EXITED})
# The stage that the request would have led to, as AWS's refusals name it.
_WANTED = {
    Said.REGISTER: Stage.REGISTERED,
    Said.NEXT: Stage.READY,
    Said.INIT_ERROR: Stage.INIT_ERROR,
    Said.EXIT_ERROR: Stage.EXITED,
}


class EventAsker(Protocol):
    """A connection that asked for the next event and gets it when there is one."""

    def send_extension_event(self, event: bytes) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtensionState:
    """One extension as the log tells of it at the end of the init."""

    name: str
    stage: Stage
    events: Sequence[str]
    error_type: str | None


class Extension:
    """One extension. `error_type` is what it said of itself, or why it could not be started."""

    def __init__(self, name: str, *, external: bool) -> None:
        self.name = name
        self.external = external
        self.identifier = str(uuid.uuid4())
        self.stage = Stage.STARTED
        self.events: frozenset[Event] = frozenset()
        self.error_type: str | None = None
        # `telemetry.Api`, of which it may use one.
        self.subscribed_by: str | None = None
        self._asker: EventAsker | None = None
        self._held: bytes | None = None

    def __repr__(self) -> str:
        return f"<Extension {self.name} {'external' if self.external else 'internal'} {self.stage}>"

    @property
    def ended(self) -> bool:
        return self.stage in _ENDED

    def move(self, said: Said) -> Refusal | None:
        after = TRANSITIONS.get((self.stage, said))
        if after is None:
            message = (
                f"State transition from {self.stage} to {_WANTED.get(said, said)} failed for extension {self.name}. "
                "Error: State transition is not allowed"
            )
            return _refuse("Extension.InvalidExtensionState", message)
        self.stage = after
        return None

    def ask(self, asker: EventAsker) -> bytes | Refusal | None:
        """It wants the next event: returns it, or None: `asker` waits."""
        refused = self.move(Said.NEXT)
        if refused is not None:
            return refused
        held, self._held = self._held, None
        if held is None:
            self._asker = asker
        else:
            self.move(Said.EVENT)
        return held

    def give(self, event: bytes) -> None:
        """Tell it of an event: now, or as soon as it asks."""
        asker, self._asker = self._asker, None
        if asker is None:
            self._held = event
            return
        self.move(Said.EVENT)
        asker.send_extension_event(event)

    def withdraw(self, asker: object) -> None:
        """The connection of a waiting `asker` is gone."""
        if self._asker is asker:
            self._asker = None
            self.move(Said.WITHDRAW)


class Extensions:
    """The extensions of one environment from its start to its end.

    They may register until the runtime is ready (`open`), and subscribe to telemetry until all are (`initialising`).
    """

    def __init__(self) -> None:
        self.members: dict[str, Extension] = {}
        self._by_identifier: dict[str, Extension] = {}
        self.open = True
        self.initialising = True

    def __repr__(self) -> str:
        return f"<Extensions {' '.join(f'{each.name}:{each.stage}' for each in self.members.values())}>"

    def expect(self, names: Iterable[str]) -> None:
        """External extensions of these names are being started."""
        for name in names:
            self._add(Extension(name, external=True))

    @property
    def external(self) -> bool:
        return any(each.external for each in self.members.values())

    @property
    def all_registered(self) -> bool:
        """Every external extension has registered, which the runtime has to wait for."""
        return all(each.stage is not Stage.STARTED for each in self.members.values())

    @property
    def all_ready(self) -> bool:
        """Every one waits for an event, which ends the init."""
        return all(each.stage is Stage.READY for each in self.members.values())

    @property
    def working(self) -> bool:
        """At least one that was told of the invocation has not come back from it."""
        return any(Event.INVOKE in each.events and each.stage is not Stage.READY for each in self.members.values())

    @property
    def states(self) -> Sequence[ExtensionState]:
        return [
            ExtensionState(
                name=each.name,
                stage=each.stage,
                events=[str(event) for event in Event if event in each.events],
                error_type=each.error_type,
            )
            for each in self.members.values()
        ]

    def subscribed_to_shutdown(self) -> Collection[str]:
        """The names of those that want to be told of the end and can be."""
        return [each.name for each in self.members.values() if Event.SHUTDOWN in each.events and not each.ended]

    def register(self, name: str, events: Sequence[str]) -> Extension | Refusal:
        """An extension introduces itself, with the events that it wants."""
        if not name:
            return _refuse("Extension.InvalidExtensionName", "Empty extension name")
        found = self.members.get(name)
        external = found is not None and found.external
        refused = _refuse_events(events, external=external)
        if refused is not None:
            return refused
        if not external:
            refused = self._refuse_internal(name)
            if refused is not None:
                return refused
        extension = found or Extension(name, external=False)
        refused = extension.move(Said.REGISTER)
        if refused is not None:
            return refused
        extension.events = frozenset(map(Event, events))
        if found is None:
            self._add(extension)
        return extension

    def close_registration(self) -> None:
        """The runtime is ready: whoever has not registered by now cannot any more."""
        self.open = False

    def find(self, identifier: str) -> Extension | Refusal:
        """The extension that a request names in its header."""
        if not identifier:
            return _refuse("Extension.MissingHeader", "Missing Lambda-Extension-Identifier header")
        try:
            identifier = str(uuid.UUID(identifier))
        except ValueError:
            return _refuse("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
        found = self._by_identifier.get(identifier)
        return found or _refuse("Extension.UnknownExtensionIdentifier", f"Unknown extension {identifier}")

    def give(self, event: Event, content: bytes) -> None:
        """Tell everybody who wants to be told of such events."""
        for extension in self.members.values():
            if event in extension.events and not extension.ended:
                extension.give(content)

    def fail(self, extension: Extension, phase: str, error_type: str) -> Refusal | None:
        """An extension says that it cannot begin (`init`) or go on (`exit`); its process is about to end."""
        first = not extension.ended
        refused = extension.move(Said.INIT_ERROR if phase == "init" else Said.EXIT_ERROR)
        if refused is None and first:
            extension.error_type = error_name(error_type)
        return refused

    def withdraw(self, asker: object) -> None:
        for extension in self.members.values():
            extension.withdraw(asker)

    def exited(self, name: str) -> str:
        """An extension's process is over, or about to be: the error type that this is told by."""
        extension = self.members[name]
        stage = extension.stage
        if stage is Stage.INIT_ERROR:
            return "Extension.InitError"
        if stage is Stage.EXIT_ERROR:
            return "Extension.ExitError"
        extension.stage = Stage.EXITED
        return "Extension.Crash"

    def not_launched(self, name: str, error_type: str) -> None:
        """An executable could not be executed."""
        extension = self.members[name]
        extension.stage, extension.error_type = Stage.LAUNCH_ERROR, error_type

    def _refuse_internal(self, name: str) -> Refusal | None:
        if not self.open:
            return _refuse("Extension.RegistrationClosed", "Extension registration closed already")
        if not _NAME.fullmatch(name):
            return _refuse("Extension.InvalidExtensionName", "Invalid extension name")
        if name in self.members:
            return _refuse("Extension.InvalidExtensionState", "Extension with this name already registered")
        if len(self.members) >= MAX_EXTENSIONS:
            return _refuse("Extension.TooManyExtensions", f"Extension limit ({MAX_EXTENSIONS}) reached")
        return None

    def _add(self, extension: Extension) -> None:
        self.members[extension.name] = self._by_identifier[extension.identifier] = extension


def _refuse_events(events: Sequence[str], *, external: bool) -> Refusal | None:
    for event in events:
        if event not in Event.__members__:
            return _refuse("Extension.InvalidEventType", f"{event}: ErrorInvalidEventType")
        if event == Event.SHUTDOWN and not external:
            message = f"{event}: ShutdownEventNotSupportedForInternalExtension"
            return _refuse("Extension.InvalidEventType", message)
    return None


def _refuse(error_type: str, message: str) -> Refusal:
    return Refusal(status=403, error_type=error_type, message=message)
