"""A registry of functions that a test puts in, and what an environment of them needs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from stoker.environments.variables import Credentials
from stoker.functions.code_storage import Prepared
from stoker.functions.runtimes import RuntimeCatalogue
from stoker.model.errors import ResourceNotFoundException
from stoker.model.function import FunctionVersion
from stoker.model.invocation import Target
from stoker.model.runtime import Runtime

PYTHON = Runtime(name="python3.11", kind="python", executable=Path("/usr/bin/python3.11"), full_version="3.11.7")
NODE = Runtime(name="nodejs20.x", kind="node", executable=Path("/usr/bin/node"), full_version="20.19.2")
PROVIDED = Runtime(name="provided.al2023", kind="provided", executable=None)
RUNTIMES = RuntimeCatalogue([PYTHON, NODE, PROVIDED])


def a_function(**changes: Any) -> FunctionVersion:
    """A function `hello`, with what a test wants to be otherwise."""
    function = FunctionVersion(
        account="000000000000",
        region="us-east-1",
        name="hello",
        runtime="python3.11",
        handler="app.handler",
        role="arn:aws:iam::000000000000:role/hello",
        code_sha256="0" * 64,
        code_size=1,
        revision_id="revision-1",
    )
    return replace(function, **changes)


async def mint(function: FunctionVersion) -> Credentials:
    return Credentials(access_key_id="ASIA1", secret_access_key="s", session_token=f"{function.role} {function.name}")


class FakeRegistry:
    def __init__(self, *functions: FunctionVersion) -> None:
        self.functions = {function.name: function for function in functions or (a_function(),)}
        self.fresh: set[str] = set()
        self.layers_root: Path | None = None
        self._listeners: list[Callable[[str, str], None]] = []

    def known(self, region: str, name: str, qualifier: str | None) -> Target | None:
        function = self.functions.get(name)
        return None if function is None else Target(function=function, invoked_arn=function.unqualified_arn)

    async def resolve(self, region: str, name: str, qualifier: str | None) -> Target:
        function = self.functions.get(name)
        if function is None:
            raise ResourceNotFoundException(f"Function not found: {name}")
        return Target(function=function, invoked_arn=function.unqualified_arn)

    async def prepared(self, function: FunctionVersion) -> Prepared:
        return Prepared(task_root=Path("/packages") / function.code_sha256, layers_root=self.layers_root)

    async def starts_fresh(self, function: FunctionVersion) -> bool:
        return function.name in self.fresh

    async def exists(self, function: FunctionVersion) -> bool:
        return function.name in self.functions

    def on_change(self, listener: Callable[[str, str], None]) -> None:
        self._listeners.append(listener)

    def change(self, name: str, **changes: Any) -> None:
        """Change a function and tell everybody."""
        self.functions[name] = replace(self.functions[name], **changes)
        self.tell(self.functions[name].region, name)

    def tell(self, region: str, name: str) -> None:
        for listener in self._listeners:
            listener(region, name)
