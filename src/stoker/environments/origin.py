"""Where an environment comes from: an ordinary start, or a template."""

from collections.abc import Callable
from dataclasses import dataclass

from stoker.bootstrap.template_words import AFTER_RESTORE_ERROR
from stoker.environments.failures import InitFailure, Overrun
from stoker.environments.variables import ON_DEMAND
from stoker.model.errors import SnapStartException, SnapStartTimeoutException
from stoker.runtime_api.session import Answer
from stoker.sandbox.snapshot import Snapshot


@dataclass(slots=True, kw_only=True)
class Origin:
    """What one environment begins from.

    `snapshot` is that of its template and None in an ordinary start, `restores` whether it is SnapStart's.
    `single_use`: it is thrown away after its first invocation. `ordinary_ms` is how long the init took where it ran,
    and `cpu_s` what the process has worked so far, in seconds of CPU time.
    `kind` is the value of AWS_LAMBDA_INITIALIZATION_TYPE.
    """

    snapshot: Snapshot | None = None
    restores: bool = False
    single_use: bool = False
    ordinary_ms: float | None = None
    cpu_s: Callable[[], float | None] = lambda: None
    kind: str = ON_DEMAND
    failed: Callable[[], None] | None = None

    def initialised(self, duration_ms: float, cpu_s: Callable[[], float | None], failure: InitFailure | None) -> None:
        """Its process asked for work, or did not.

        Raises what the caller is told where a version's own hooks kept it from being restored; the next may try again.
        Source: "Troubleshooting SnapStart errors" in the AWS Lambda Developer Guide.
        """
        if self.snapshot is None:
            self.ordinary_ms = None if failure is not None else duration_ms
            self.cpu_s = cpu_s
        elif failure is not None:
            if self.restores and isinstance(failure, Overrun):
                raise SnapStartTimeoutException
            if self.restores and isinstance(failure, Answer) and failure.error_type == AFTER_RESTORE_ERROR:
                raise SnapStartException
            # Once more and without: a template that does not work is nobody's fault but ours.
            self.give_up_template()

    def give_up_template(self) -> None:
        """Go on without."""
        self.snapshot = None
        if self.failed is not None:
            self.failed()
