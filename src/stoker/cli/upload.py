"""Creating a function, or changing the one that is there: the calls of a deployment, in order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from stoker.cli.failures import CliError
from stoker.cli.function_file import FunctionSettings

_CONFLICTS_BORNE = 5
# A change takes Stoker some 10 ms and AWS a second, for which the waiters pause. 300 s in all, as they have it.
_PATIENCE = {"Delay": 0.1, "MaxAttempts": 3000}

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What became of a deployment. `outcome` is `created`, `updated` or `unchanged`."""

    outcome: str
    configuration: Mapping[str, Any]

    def as_members(self) -> dict[str, Any]:
        known = self.configuration
        return {
            "outcome": self.outcome,
            "name": known["FunctionName"],
            "arn": known["FunctionArn"],
            "runtime": known.get("Runtime"),
            "handler": known.get("Handler"),
            "codeSize": known["CodeSize"],
            "codeSha256": known["CodeSha256"],
            "state": known.get("State"),
        }


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A packed function on its way to a server. `settings` has a name, a runtime and a handler."""

    settings: FunctionSettings
    package: bytes
    package_sha256: str
    wait: bool = True

    def send(self, functions: Any, role: Callable[[], str]) -> Deployed:
        """Create or update by the client `functions`. `role` is asked only when one is needed and none was said."""
        name = self.settings.name
        try:
            present = functions.get_function_configuration(FunctionName=name)
        except functions.exceptions.ResourceNotFoundException:
            return self._create(functions, self.settings.role or role())
        return self._update(functions, present)

    def _create(self, functions: Any, role: str) -> Deployed:
        made = functions.create_function(
            FunctionName=self.settings.name, Role=role, Code={"ZipFile": self.package}, **configuration(self.settings)
        )
        if self.wait:
            functions.get_waiter("function_active_v2").wait(FunctionName=self.settings.name, WaiterConfig=_PATIENCE)
            made = functions.get_function_configuration(FunctionName=self.settings.name)
        return Deployed(outcome="created", configuration=made)

    def _update(self, functions: Any, present: Mapping[str, Any]) -> Deployed:
        name, outcome = self.settings.name, "unchanged"
        if present["CodeSha256"] != self.package_sha256:
            outcome = "updated"
            present = self._settled(
                functions, lambda: functions.update_function_code(FunctionName=name, ZipFile=self.package)
            )
        changes = differences(self.settings, present)
        if changes:
            outcome = "updated"
            present = self._settled(
                functions, lambda: functions.update_function_configuration(FunctionName=name, **changes)
            )
        if outcome == "updated" and self.wait:
            self._wait(functions)
            present = functions.get_function_configuration(FunctionName=name)
        return Deployed(outcome=outcome, configuration=present)

    def _settled(self, functions: Any, change: Callable[[], T]) -> T:
        """Make a change once the one before is through, whoever made that: a function takes one at a time."""
        for _ in range(_CONFLICTS_BORNE):
            self._wait(functions)
            try:
                return change()
            except functions.exceptions.ResourceConflictException:
                continue
        raise CliError(f"{self.settings.name} keeps being changed by somebody else. Try again when that is over.")

    def _wait(self, functions: Any) -> None:
        functions.get_waiter("function_updated_v2").wait(FunctionName=self.settings.name, WaiterConfig=_PATIENCE)


def configuration(settings: FunctionSettings) -> dict[str, Any]:
    """What was said, in the words of CreateFunction and UpdateFunctionConfiguration."""
    said = {
        "Runtime": settings.runtime,
        "Handler": settings.handler,
        "MemorySize": settings.memory,
        "Timeout": settings.timeout,
        "Layers": settings.layers,
        "Environment": None if settings.env is None else {"Variables": settings.env},
    }
    return {key: value for key, value in said.items() if value is not None}


def differences(settings: FunctionSettings, present: Mapping[str, Any]) -> dict[str, Any]:
    """What was said and isn't so yet. What nobody said stays as it is."""
    wanted = configuration(settings)
    if settings.role is not None:
        wanted["Role"] = settings.role
    known = {**present, "Layers": [layer["Arn"] for layer in present.get("Layers", [])]}
    return {key: value for key, value in wanted.items() if known.get(key) != value}
