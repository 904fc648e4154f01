"""A query over rows: its commands one after the other, each of which takes rows and gives rows.

Rows come by time, the latest first, as results do that nothing else sorts. Nothing is held that need not be: a sort
keeps as many rows as are wanted, and a limit ends everything before it.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cmp_to_key
from itertools import islice

from msgspec import Struct

from stoker.observability.insights import rows, values
from stoker.observability.insights.aggregates import Aggregate
from stoker.observability.insights.evaluation import MATCH_TIMEOUT_S, Compiler, Counted, Values, pattern_of
from stoker.observability.insights.query import (
    Column,
    Dedup,
    Display,
    Field,
    Fields,
    Filter,
    Limit,
    MalformedQueryError,
    Parse,
    Query,
    Sort,
    Stats,
)
from stoker.observability.insights.rows import Made, Row
from stoker.observability.insights.values import Moment, Value

MOST_ROWS = 10_000
"""What a query gives that says no limit, and the most groups that a `stats` may make."""
MOST_COMMANDS = 50
_DEFAULT = ("@timestamp", "@message")

Stage = Callable[[Iterable[Row]], Iterable[Row]]
# A result's fields, by name.
Result = Sequence[tuple[str, str]]


class TooManyGroupsError(Exception):
    """The query makes more groups than can be kept."""


class Tally(Struct):
    """How many rows passed every filter. Mutable: the pipeline counts."""

    matched: int = 0


class Program:
    """A query, ready to run. Raises MalformedQueryError for one that makes no sense.

    `oldest_first` says in which order it wants its rows; `tally` counts while it runs.
    """

    def __init__(self, query: Query, *, limit: int | None, now_s: int) -> None:
        if len(query.commands) > MOST_COMMANDS:
            raise MalformedQueryError(f"A query has at most {MOST_COMMANDS} commands.")
        self._now_s = now_s
        self._limit = limit or MOST_ROWS
        self._stages: list[Stage] = []
        self._shown: list[str] = []
        self._parsed: list[str] = []
        self._displayed: list[str] | None = None
        # The columns of the last `stats`; None before it.
        self._known: list[str] | None = None
        self._deduped = False
        self._in_order = True
        self.oldest_first = False
        self.tally = Tally()
        self._counts_at = self._last_filter(query)
        for place, command in enumerate(query.commands):
            if place == self._counts_at:
                self._stages.append(self._count)
            following = query.commands[place + 1] if place + 1 < len(query.commands) else None
            self._add(command, following, last=place + 1 == len(query.commands))
        if self._counts_at == len(query.commands):
            self._stages.append(self._count)
        if not any(isinstance(command, Limit) for command in query.commands):
            most = self._limit
            self._stages.append(lambda found: islice(found, most))

    def run(self, found: Iterable[Row]) -> Iterator[Result]:
        """The results. Raises TimeoutError for a pattern that never ends, and TooManyGroupsError."""
        for stage in self._stages:
            found = stage(found)
        columns = self._columns()
        for row in found:
            shown = [(name, text) for name, of in columns if (text := values.text(of(row))) is not None]
            if self._known is None:
                shown.append(("@ptr", rows.pointer(row)))
            yield shown

    def _columns(self) -> Sequence[tuple[str, Values]]:
        names = self._displayed
        if names is None:
            names = self._known if self._known is not None else [*(self._shown or _DEFAULT), *self._parsed]
        names = list(dict.fromkeys(names))
        if self._known is None:
            return [(name, rows.getter(name)) for name in names if name != "@ptr"]
        return [(name, rows.made_getter(name)) for name in names]

    @staticmethod
    def _last_filter(query: Query) -> int:
        """Behind which command rows are counted as matched: the last filter before the first `stats` or limit."""
        place = 0
        for number, command in enumerate(query.commands, 1):
            if isinstance(command, Stats | Limit):
                break
            if isinstance(command, Filter):
                place = number
        return place

    def _count(self, found: Iterable[Row]) -> Iterator[Row]:
        tally = self.tally
        for row in found:
            tally.matched += 1
            yield row

    # Commands

    def _add(self, command: object, following: object, *, last: bool) -> None:
        if self._deduped and not isinstance(command, Limit):
            raise MalformedQueryError("Only limit may follow dedup.")
        match command:
            case Fields(columns):
                self._shown += self._make(columns)
            case Display(columns):
                self._displayed = self._make(columns)
            case Filter(condition):
                keep = self._compiler().compile(condition)
                self._stages.append(lambda found: (row for row in found if keep(row)))
            case Limit(count):
                self._in_order = False
                self._stages.append(lambda found: islice(found, count))
            case Parse():
                self._parse(command)
            case Dedup(names):
                self._dedup(names)
            case Sort():
                wanted = following.count if isinstance(following, Limit) else self._limit if last else None
                self._sort(command, wanted)
            case Stats():
                self._stats(command)

    def _compiler(self) -> Compiler:
        return Compiler(self._now_s, self._known)

    def _make(self, columns: Sequence[Column]) -> list[str]:
        """Give rows what is no field of theirs; the names of all."""
        made: list[tuple[str, Values]] = []
        for column in columns:
            value = self._compiler().compile(column.expression, column.name)
            if column.expression != Field(column.name):
                made.append((column.name, value))
        if made:
            self._stages.append(lambda found: _made(found, made))
            if self._known is not None:
                self._known += [name for name, _ in made]
        return [column.name for column in columns]

    def _parse(self, command: Parse) -> None:
        pattern = pattern_of(command.pattern if command.is_pattern else _wildcards(command.pattern))
        names = list(command.names)
        if command.is_pattern:
            if names and len(names) != pattern.groups:
                raise MalformedQueryError(f"{pattern.groups} groups are given {len(names)} names.")
            places = list(range(1, len(names) + 1)) or sorted(pattern.groupindex.values())
            names = names or sorted(pattern.groupindex, key=pattern.groupindex.__getitem__)
        else:
            places = list(range(1, pattern.groups + 1))
            if len(names) != pattern.groups:
                raise MalformedQueryError(f"{pattern.groups} wildcards are given {len(names)} names.")
        if not names:
            raise MalformedQueryError("parse gives no fields.")
        text_of, search = self._compiler().field(command.field), pattern.search
        # What has to be there: most lines are not of the form, and that is seen soon.
        needed = "" if command.is_pattern else max(command.pattern.split("*"), key=len)
        self._parsed += names
        if self._known is not None:
            self._known += names

        def stage(found: Iterable[Row]) -> Iterator[Row]:
            for row in found:
                text = values.text(text_of(row))
                match = search(text, timeout=MATCH_TIMEOUT_S) if text is not None and needed in text else None
                if match is not None:
                    for name, place in zip(names, places, strict=True):
                        row.make(name, match[place])
                yield row

        self._stages.append(stage)

    def _dedup(self, names: Sequence[str]) -> None:
        """The first of each; what lacks a field is nobody's double."""
        getters = [self._compiler().field(name) for name in names]
        self._deduped = True

        def stage(found: Iterable[Row]) -> Iterator[Row]:
            seen: set[tuple[str, ...]] = set()
            for row in found:
                key = tuple(text for getter in getters if (text := values.text(getter(row))) is not None)
                if len(key) == len(getters):
                    if key in seen:
                        continue
                    seen.add(key)
                yield row

        self._stages.append(stage)

    def _sort(self, command: Sort, wanted: int | None) -> None:
        """`wanted` is how many rows are looked at behind it; None: all."""
        if self._in_order and self._known is None and [key.expression for key in command.keys] == [Field("@timestamp")]:
            # Rows come by time. They can come the other way round too.
            self.oldest_first = not command.keys[0].descending
            self._in_order = False
            return
        self._in_order = False
        keys = [(self._compiler().compile(key.expression, key.text), key.descending) for key in command.keys]

        def order(one: tuple[tuple[object, ...], Row], other: tuple[tuple[object, ...], Row]) -> int:
            for (_, descending), left, right in zip(keys, one[0], other[0], strict=True):
                if left != right:
                    return -1 if (left < right) is not descending else 1  # type: ignore[operator]
            return 0

        def stage(found: Iterable[Row]) -> Iterator[Row]:
            keyed = ((tuple(values.sort_key(key(row)) for key, _ in keys), row) for row in found)
            key = cmp_to_key(order)
            ordered = sorted(keyed, key=key) if wanted is None else heapq.nsmallest(wanted, keyed, key=key)
            return (row for _, row in ordered)

        self._stages.append(stage)

    def _stats(self, command: Stats) -> None:
        groups = [(column.name, self._compiler().compile(column.expression, column.name)) for column in command.by]
        counted: list[Counted] = []
        compiler = Compiler(self._now_s, self._known, counted)
        columns = [(column.name, compiler.compile(column.expression)) for column in command.columns]
        getters = [of for _, of in groups]
        self._stages.append(lambda found: _grouped(found, groups, getters, counted, columns))
        self._known = list(dict.fromkeys([name for name, _ in [*groups, *columns]]))
        self._shown, self._parsed, self._displayed = [], [], None


def _made(found: Iterable[Row], made: Sequence[tuple[str, Values]]) -> Iterator[Row]:
    for row in found:
        for name, value in made:
            row.make(name, value(row))
        yield row


def _wildcards(pattern: str) -> str:
    """A `*` is as little as there can be, and the last one of a pattern that ends with it all that is left."""
    parts = [regex_escaped(part) for part in pattern.split("*")]
    body = "(.*?)".join(parts)
    return f"(?s){body}$" if pattern.endswith("*") else f"(?s){body}"


def regex_escaped(text: str) -> str:
    return "".join(f"\\{each}" if not each.isalnum() and each.isascii() else each for each in text)


def _grouped(
    found: Iterable[Row],
    groups: Sequence[tuple[str, Values]],
    getters: Sequence[Values],
    counted: Sequence[Counted],
    columns: Sequence[tuple[str, Values]],
) -> Iterator[Row]:
    """A row for each group, in the order in which they were met. Without `by` all rows are one, even none."""
    kept: dict[tuple[Moment | str | None, ...], tuple[list[Value], list[Aggregate]]] = {}
    if not getters:
        kept[()] = ([], [each.make() for each in counted])
    steps = [(place, each.of) for place, each in enumerate(counted)]
    for row in found:
        by = [getter(row) for getter in getters]
        key = tuple(value if type(value) is Moment else values.text(value) for value in by)
        group = kept.get(key)
        if group is None:
            if len(kept) >= MOST_ROWS:
                raise TooManyGroupsError(f"The query makes more than {MOST_ROWS} groups.")
            group = kept[key] = (by, [each.make() for each in counted])
        aggregates, time_ms = group[1], row.time_ms
        for place, of in steps:
            aggregates[place].add(1 if of is None else of(row), time_ms)
    for by, aggregates in kept.values():
        results = Made([each.result() for each in aggregates])  # type: ignore[arg-type]
        fields = {name: value for (name, _), value in zip(groups, by, strict=True)}
        yield Made(fields | {name: of(results) for name, of in columns})
