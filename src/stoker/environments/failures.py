"""What can keep an environment from going on, as values."""

from dataclasses import dataclass

from stoker.runtime_api.session import Answer
from stoker.sandbox.driver import ExitStatus


@dataclass(frozen=True, kw_only=True)
class Overrun:
    """The init took longer than it may."""


@dataclass(frozen=True, kw_only=True)
class ExtensionEnd:
    """One of its extensions ended, could not be started or gave up: `Extension.Crash` and the like, and why."""

    error_type: str
    reason: str


# The runtime's own words, its exit, and the two above.
InitFailure = Answer | ExitStatus | Overrun | ExtensionEnd
