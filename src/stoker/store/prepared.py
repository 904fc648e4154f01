"""Statements of the busiest paths: their text is made once, and their values go to the driver as they are.

From a statement to the driver SQLAlchemy takes four times as long as SQLite does for most of them (64 µs of 79 for a
`SELECT` of eight rows, measured). So these skip it. They are for values that no engine has to have converted: int,
float, str, bytes, None.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import Connection, bindparam

Values = Mapping[str, Any]
_NOTHING: Values = {}
# Of the rows of an insert. Drivers keep a hundred statements or so ready: there are seven of each insert.
_MOST_ROWS = 64


def items(count: int) -> Sequence[sa.ColumnElement[Any]]:
    """The parameters of a list of so many items, for `in_`; nothing is among those of an empty one."""
    return [bindparam(name) for name in _names(count)] or [sa.null()]


class _Text(Struct, frozen=True):
    """A statement as a driver takes it: its text, what never changes in it, and the order of its values by their names,
    None where the driver goes by names itself."""

    sql: str
    constants: Values
    in_order: Callable[[Values], Any] | None

    def arguments(self, values: Values) -> Any:
        named = {**self.constants, **values}
        return named if self.in_order is None else self.in_order(named)


class Prepared:
    """One statement. `make` gives it for a list of so many `items`; without a list the number is 0.

    It runs in the transaction that the connection is in. Rows are tuples.
    """

    def __init__(self, make: Callable[[int], sa.ClauseElement]) -> None:
        self._make = make
        self._texts: dict[tuple[str, int], _Text] = {}

    def rows(self, conn: Connection, values: Values = _NOTHING, listed: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._execute(conn, values, listed).fetchall()
        return found

    def run(self, conn: Connection, values: Values = _NOTHING, listed: Sequence[Any] = ()) -> None:
        self._execute(conn, values, listed)

    def run_many(self, conn: Connection, many: Iterable[Values]) -> None:
        """Once for each."""
        text = self._text(conn, 0)
        _driver(conn).cursor().executemany(text.sql, [text.arguments(values) for values in many])

    def _execute(self, conn: Connection, values: Values, listed: Sequence[Any]) -> Any:
        if listed:
            # There are texts for powers of two only: an item changes nothing by being listed again.
            count = 1 << (len(listed) - 1).bit_length()
            listed = [*listed, *[listed[-1]] * (count - len(listed))]
        text = self._text(conn, len(listed))
        named = {**values, **dict(zip(_names(len(listed)), listed, strict=True))} if listed else values
        return _driver(conn).execute(text.sql, text.arguments(named))

    def _text(self, conn: Connection, count: int) -> _Text:
        key = conn.dialect.name, count
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = _compile(self._make(count), conn.dialect)
        return text


class PreparedInsert:
    """Rows for a table, many with one statement: each step of SQLite's gives Python's lock away, and has to wait for it
    again. A row has its values in the order of `columns`.
    """

    def __init__(self, table: sa.Table, columns: Sequence[str]) -> None:
        self._table = table
        self._columns = columns
        self._texts: dict[tuple[str, int], str] = {}

    def run(self, conn: Connection, rows: Sequence[Sequence[Any]]) -> None:
        driver, begin = _driver(conn), 0
        while begin < len(rows):
            count = min(_MOST_ROWS, 1 << (len(rows) - begin).bit_length() - 1)
            driver.execute(self._text(conn, count), list(chain.from_iterable(rows[begin : begin + count])))
            begin += count

    def _text(self, conn: Connection, count: int) -> str:
        key = conn.dialect.name, count
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = self._compile(conn.dialect, count)
        return text

    def _compile(self, dialect: sa.Dialect, count: int) -> str:
        names: Any = dialect.identifier_preparer
        columns = ", ".join(names.format_column(self._table.c[column]) for column in self._columns)
        row = ", ".join(["?" if dialect.positional else "%s"] * len(self._columns))
        return f"INSERT INTO {names.format_table(self._table)} ({columns}) VALUES {', '.join([f'({row})'] * count)}"


def _compile(statement: sa.ClauseElement, dialect: sa.Dialect) -> _Text:
    compiled: Any = statement.compile(dialect=dialect)
    constants = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
    return _Text(str(compiled), constants, _in_order(compiled.positiontup) if compiled.positional else None)


def _in_order(names: Sequence[str]) -> Callable[[Values], Any]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple(values[name] for name in names)


def _names(count: int) -> list[str]:
    return [f"item_{place}" for place in range(count)]


def _driver(conn: Connection) -> Any:
    return conn.connection.driver_connection
