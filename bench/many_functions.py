"""Functions that are only there: what a thousand take while they are idle, and whether ten thousand make others slow.

Two Stokers in turns, one with few functions and one with many. They are put into the store while it is stopped: through
Stoker's door ten thousand would take minutes. All have the same code, and nobody has asked for any of them before.
"""

import asyncio
import random
import sqlite3
import statistics
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlencode

from cold import SETTLE_S
from load import Endpoint, measure, once
from memory import Footprint, measure_fresh
from scale import Scale
from stoker_target import Stoker
from target import TargetError

FEW_FUNCTIONS = 10
IDLE_FUNCTIONS = 1_000
PAGE, LONGEST_PAGE = 5, 50
# Signing one takes as long as answering it.
REQUESTS = 200
SECONDS = 0.4
# Their other columns are the same for all of them; names and owners are made anew.
COPIED = {"functions": "name", "function_versions": "name", "package_references": "owner"}


FEW, MANY = "few", "many"


def _sides() -> dict[str, list[float]]:
    return {FEW: [], MANY: []}


@dataclass(kw_only=True)
class ManyFigures:
    """What is just started with few functions and with a thousand, and milliseconds by rounds among few and many.

    `first` is a function's first Invoke, `listed` a page from the middle of ListFunctions, `got` a GetFunction.
    """

    few: Footprint
    idle: Footprint
    first: dict[str, list[float]] = field(default_factory=_sides)
    listed: dict[str, list[float]] = field(default_factory=_sides)
    got: dict[str, list[float]] = field(default_factory=_sides)


async def measure_many(source: str, runtime: str, scale: Scale) -> ManyFigures:
    """Of two Stokers of its own."""
    with ExitStack() as stack:
        few, many = (stack.enter_context(Stoker()) for _ in range(2))
        for stoker in (few, many):
            stoker.start()
            stoker.deploy(_name(0), source, runtime=runtime, suffix=".py")
        _add(few, 1, FEW_FUNCTIONS)
        _add(many, 1, IDLE_FUNCTIONS)
        figures = ManyFigures(few=measure_fresh(few), idle=measure_fresh(many))
        _add(many, IDLE_FUNCTIONS, scale.many_functions)
        sides = [_Side(few, FEW_FUNCTIONS, FEW), _Side(many, scale.many_functions, MANY)]
        # The first Invoke is one of a function that has not been invoked: there are as many rounds as few functions.
        for number in range(FEW_FUNCTIONS):
            for side in sides if number % 2 else reversed(sides):
                first, listed, got = await side.round(number)
                # The first round loads what a Stoker loads when it is first asked.
                if number:
                    figures.first[side.name].append(first)
                    figures.listed[side.name].append(listed)
                    figures.got[side.name].append(got)
    return figures


class _Side:
    """A Stoker with so many functions."""

    def __init__(self, stoker: Stoker, count: int, name: str) -> None:
        self.name = name
        self._stoker = stoker
        self._count = count
        page = {"PageSize": min(LONGEST_PAGE, count // 2)}
        pages = list(stoker.client("lambda").get_paginator("list_functions").paginate(PaginationConfig=page))
        if sum(len(page["Functions"]) for page in pages) != count:
            raise TargetError(f"not all of {count} functions are listed")
        middle = urlencode({"MaxItems": PAGE, "Marker": pages[(len(pages) - 1) // 2]["NextMarker"]})
        self._list = Endpoint(port=stoker.port, request=stoker.signed("GET", f"/2015-03-31/functions/?{middle}"))

    async def round(self, number: int) -> tuple[float, float, float]:
        """Milliseconds of a page, of a GetFunction and of a first Invoke."""
        chosen = random.Random(number).choices(range(self._count), k=REQUESTS)
        gets = [self._stoker.signed("GET", f"/2015-03-31/functions/{_name(one)}") for one in chosen]
        get = Endpoint(port=self._stoker.port, request=gets[0], others=gets[1:])
        # Spread, so that they are not all in one page of the database.
        first = self._stoker.endpoint(_name(number * (self._count // FEW_FUNCTIONS)))
        await asyncio.sleep(SETTLE_S)
        return (await once(first)).seconds * 1e3, await _p50_ms(self._list), await _p50_ms(get)


async def _p50_ms(endpoint: Endpoint) -> float:
    return statistics.median((await measure(endpoint, connections=1, seconds=SECONDS)).latencies_ns) / 1e6


def _name(number: int) -> str:
    return f"function-{number:06}"


def _add(stoker: Stoker, begin: int, end: int) -> None:
    """Copies of the first function, numbered so, and Stoker started anew."""
    stoker.stop()
    with sqlite3.connect(stoker.data / "stoker.db") as store:
        for table, column in COPIED.items():
            cursor = store.execute(f"SELECT * FROM {table} WHERE {column} LIKE ?", (f"%{_name(0)}%",))
            marks = ", ".join("?" * len(cursor.description))
            (row,) = cursor.fetchall()
            copies = (
                [value.replace(_name(0), _name(number)) if isinstance(value, str) else value for value in row]
                for number in range(begin, end)
            )
            store.executemany(f"INSERT INTO {table} VALUES ({marks})", copies)
    stoker.start()
