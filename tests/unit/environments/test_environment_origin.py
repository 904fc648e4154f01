"""An environment that could not begin with its template: it starts without, or its caller is told an error."""

from dataclasses import dataclass

import pytest

from stoker.environments.failures import InitFailure, Overrun
from stoker.environments.origin import Origin
from stoker.model.errors import ServiceError
from stoker.runtime_api.session import Answer
from stoker.sandbox.driver import ExitStatus
from stoker.sandbox.snapshot import Snapshot


@dataclass
class Restored:
    """An origin with a template, and whether that was given up."""

    restores: bool
    given_up: bool = False

    def fails_by(self, failure: InitFailure) -> str | None:
        """The error that its caller is told, if any."""
        snapshot = Snapshot.__new__(Snapshot)
        origin = Origin(snapshot=snapshot, restores=self.restores, failed=lambda: setattr(self, "given_up", True))
        try:
            origin.initialised(1.0, lambda: None, failure)
        except ServiceError as fault:
            return f"{fault.status} {fault.code}"
        return None


HOOK = Answer(payload=b"{}", error_type="Runtime.AfterRestoreError")


@pytest.mark.parametrize(
    ("failure", "told"), [(HOOK, "400 SnapStartException"), (Overrun(), "408 SnapStartTimeoutException")]
)
def test_hooks_that_fail_or_take_too_long_are_told_who_asked_for_snapstart(failure: InitFailure, told: str) -> None:
    version = Restored(restores=True)
    assert version.fails_by(failure) == told
    assert not version.given_up


@pytest.mark.parametrize("failure", [HOOK, Overrun(), ExitStatus(code=1)])
def test_a_template_that_nobody_asked_for_fails_nobody(failure: InitFailure) -> None:
    template = Restored(restores=False)
    assert template.fails_by(failure) is None
    assert template.given_up


def test_a_process_that_dies_while_it_is_restored_starts_without_its_template() -> None:
    version = Restored(restores=True)
    assert version.fails_by(ExitStatus(code=1)) is None
    assert version.given_up
