"""The states of an environment and what moves it from one to the next: the whole of it, as a table."""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where an environment stands. That an idle one is frozen is a property of it and no state of its own."""

    STARTING = "starting"  # its sandbox is being built
    INIT = "init"  # its process imports the function
    IDLE = "idle"  # its process waits for an invocation
    RUNNING = "running"  # it has an invocation
    FAILED = "failed"  # nothing more is to be had from its process
    STOPPING = "stopping"  # its sandbox is being taken down
    GONE = "gone"


class Event(StrEnum):
    """What happens to an environment."""

    STARTED = "started"
    READY = "ready"
    RETRY = "retry"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    FAILED = "failed"
    STOP = "stop"
    CLOSED = "closed"


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.STARTING, Event.STARTED): State.INIT,
    (State.STARTING, Event.FAILED): State.FAILED,
    (State.STARTING, Event.STOP): State.STOPPING,
    (State.INIT, Event.READY): State.IDLE,
    # The init ran again: once, in a new sandbox, within the first invocation.
    (State.INIT, Event.RETRY): State.STARTING,
    (State.INIT, Event.FAILED): State.FAILED,
    (State.INIT, Event.STOP): State.STOPPING,
    (State.IDLE, Event.ASSIGNED): State.RUNNING,
    (State.IDLE, Event.FAILED): State.FAILED,
    (State.IDLE, Event.STOP): State.STOPPING,
    (State.RUNNING, Event.ANSWERED): State.IDLE,
    (State.RUNNING, Event.FAILED): State.FAILED,
    (State.RUNNING, Event.STOP): State.STOPPING,
    (State.FAILED, Event.STOP): State.STOPPING,
    # The sandbox that was being built when the stop came.
    (State.STOPPING, Event.STARTED): State.STOPPING,
    (State.STOPPING, Event.CLOSED): State.GONE,
}


class IllegalTransitionError(Exception):
    """An environment was asked for what its state has no place for: a mistake in Stoker."""


def after(state: State, event: Event) -> State:
    """The state that follows; raises IllegalTransitionError."""
    following = TRANSITIONS.get((state, event))
    if following is None:
        raise IllegalTransitionError(f"{event} while {state}")
    return following
