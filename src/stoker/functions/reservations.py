"""What functions have for themselves of the account's concurrency: values in memory, asked for every invocation."""

from collections.abc import Callable

FunctionKey = tuple[str, str]
"""A region and a function's name."""


class Reservations:
    """The account's limit in each region, and what is reserved of it. For the event loop's thread.

    Filled by `concurrency.py` from the database. What is reserved in one region says nothing about another.
    """

    def __init__(self, account_limit: int) -> None:
        self.account_limit = account_limit
        self._reserved: dict[FunctionKey, int] = {}
        self._unreserved: dict[str, int] = {}
        self._listeners: list[Callable[[str], None]] = []

    def __repr__(self) -> str:
        return f"<Reservations of {len(self._reserved)} functions, of {self.account_limit}>"

    def of(self, function: FunctionKey) -> int | None:
        """How many of a function's invocations may run at once; None where it shares what nobody reserved."""
        return self._reserved.get(function)

    def unreserved(self, region: str) -> int:
        """What the functions without a reservation share."""
        return self._unreserved.get(region, self.account_limit)

    def put(self, function: FunctionKey, reserved: int | None) -> None:
        """Reserve so much for a function; None ends its reservation."""
        if reserved is None:
            self._reserved.pop(function, None)
        else:
            self._reserved[function] = reserved
        region = function[0]
        taken = sum(count for (where, _), count in self._reserved.items() if where == region)
        self._unreserved[region] = self.account_limit - taken
        for listener in self._listeners:
            listener(region)

    def on_change(self, listener: Callable[[str], None]) -> None:
        """Call `listener(region)` after each change."""
        self._listeners.append(listener)
