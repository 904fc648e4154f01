"""Where an environment comes from: an ordinary start, or a template."""

from collections.abc import Callable
from dataclasses import dataclass

from stoker.environments.variables import ON_DEMAND
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

    def initialised(self, duration_ms: float, cpu_s: Callable[[], float | None], *, failed: bool) -> None:
        """Its process asked for work, or did not."""
        if self.snapshot is None:
            self.ordinary_ms = None if failed else duration_ms
            self.cpu_s = cpu_s
        elif failed:
            # Once more and without: a template that does not work is nobody's fault but ours.
            self.give_up_template()

    def give_up_template(self) -> None:
        """Go on without."""
        self.snapshot = None
        if self.failed is not None:
            self.failed()
