"""Which method serves which operation of an API."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from inspect import isfunction
from typing import Any

from stoker.wire.message import Call, Result

# An operation as a service serves it. None and a mapping are a Result's members.
Method = Callable[[Call], Awaitable[Result | Mapping[str, Any] | None]]


def result_of(answer: Result | Mapping[str, Any] | None) -> Result:
    """What a method answered, as a Result."""
    return answer if isinstance(answer, Result) else Result(members=answer or {})


def operations_of(*parts: object) -> Mapping[str, Method]:
    """What some parts of a service serve, by the operations' names in snake case.

    A part is either such a mapping, or an object whose public methods with one parameter, a Call, are named for the
    operations that they serve. Raises ValueError for an operation that two parts serve.
    """
    operations: dict[str, Method] = {}
    for part in parts:
        served = part if isinstance(part, Mapping) else dict(_methods(part))
        if twice := operations.keys() & served.keys():
            raise ValueError(f"served twice: {', '.join(sorted(twice))}")
        operations.update(served)
    return operations


def _methods(part: object) -> Iterator[tuple[str, Method]]:
    for name in dir(type(part)):
        function = getattr(type(part), name)
        if not name.startswith("_") and isfunction(function) and _takes_a_call(function):
            yield name, getattr(part, name)


def _takes_a_call(function: Callable[..., Any]) -> bool:
    parameters = [kind for name, kind in function.__annotations__.items() if name != "return"]
    return parameters == [Call]
