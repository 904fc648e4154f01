"""Expressions to functions of a row. Raises MalformedQueryError for what makes no sense: a function that is not there,
a pattern that is none, an aggregate where there is no group.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import regex

from stoker.observability.insights import rows, values
from stoker.observability.insights.aggregates import AGGREGATES, PERCENTILES, Aggregate, Percentile
from stoker.observability.insights.functions import FUNCTIONS, arithmetic, ceil_to, floor_to, guarded
from stoker.observability.insights.query import (
    Call,
    Comparison,
    Constant,
    Expression,
    Field,
    Like,
    Logic,
    MalformedQueryError,
    Membership,
    Operation,
    Period,
)
from stoker.observability.insights.rows import Getter, Row
from stoker.observability.insights.values import Value

# Of what stands in each other: more than any query has, and less than Python's stack.
MOST_NESTED = 100
# A match that takes longer is somebody's trap; then the query ends.
MATCH_TIMEOUT_S = 1.0

Values = Callable[[Row], Value]


class Counted:
    """An aggregate of a `stats` command: which kind, and of which values. None: each row counts."""

    __slots__ = ("make", "of")

    def __init__(self, make: Callable[[], Aggregate], of: Values | None) -> None:
        self.make = make
        self.of = of


class Compiler:
    """Makes functions of expressions. `known` are the fields that there are after a `stats`; None: any.

    `counted` takes the aggregates of what is compiled; None where there may be none.
    """

    def __init__(self, now_s: int, known: Sequence[str] | None = None, counted: list[Counted] | None = None) -> None:
        self._now_s = now_s
        self._known = known
        self._counted = counted
        self._depth = 0

    def field(self, name: str) -> Getter:
        """What reads a field."""
        if self._counted is not None:
            raise MalformedQueryError(f"{name} is neither within a function of stats nor after its by.")
        if self._known is None:
            return rows.getter(name)
        if name not in self._known:
            raise MalformedQueryError(f"Unknown symbols found in or after stats: {name}")
        return rows.made_getter(name)

    def compile(self, expression: Expression, text: str = "") -> Values:
        """`text` is how it was written: after `stats`, that names its column."""
        if self._known is not None and text in self._known:
            return rows.made_getter(text)
        self._depth += 1
        if self._depth > MOST_NESTED:
            raise MalformedQueryError("The query is nested too deeply.")
        made = self._compile(expression)
        self._depth -= 1
        return made

    def _compile(self, expression: Expression) -> Values:
        match expression:
            case Field(name):
                return self.field(name)
            case Constant(value):
                return lambda row: value
            case Period():
                raise MalformedQueryError("A period of time stands in bin, datefloor and dateceil only.")
            case Call():
                return self._call(expression)
            case Operation(operator, left, right):
                one = self.compile(left if left is not None else Constant(0))
                other = self.compile(right)
                return lambda row: arithmetic(operator, one(row), other(row))
            case Comparison(operator, left, right):
                return _comparison(operator, self.compile(left), self.compile(right))
            case Like():
                return _like(self.compile(expression.subject), expression)
            case Membership(subject, members, negated):
                return _membership(self.compile(subject), [self.compile(member) for member in members], negated)
            case Logic(operator, parts):
                return _logic(operator, [self.compile(part) for part in parts])

    def _call(self, call: Call) -> Values:
        name = call.function
        if name in AGGREGATES or name in PERCENTILES:
            return self._aggregate(call)
        if call.star:
            raise MalformedQueryError(f"{name} takes no *.")
        if name in ("bin", "datefloor", "dateceil"):
            return self._of_period(call)
        if name == "now":
            return lambda row: self._now_s
        if name not in FUNCTIONS:
            raise MalformedQueryError(f"Unknown function: {name}")
        least, most, applied = FUNCTIONS[name]
        function = guarded(applied)
        if not least <= len(call.arguments) <= most:
            raise MalformedQueryError(f"{name} does not take {len(call.arguments)} arguments.")
        arguments = [self.compile(argument) for argument in call.arguments]
        if len(arguments) == 1:
            (only,) = arguments
            return lambda row: function(only(row))
        return lambda row: function(*[argument(row) for argument in arguments])

    def _of_period(self, call: Call) -> Values:
        """`bin` is of the event's time."""
        *of, period = call.arguments or [Constant(0)]
        expected = 0 if call.function == "bin" else 1
        if not isinstance(period, Period) or len(of) != expected:
            raise MalformedQueryError(f"{call.function} takes {'a moment and ' * expected}a period such as 5m.")
        put = guarded(ceil_to(period) if call.function == "dateceil" else floor_to(period))
        moment = self.compile(of[0] if of else Field("@timestamp"))
        return lambda row: put(moment(row))

    def _aggregate(self, call: Call) -> Values:
        counted, name, arguments = self._counted, call.function, list(call.arguments)
        if counted is None:
            raise MalformedQueryError(f"{name} stands in stats only.")
        make = self._percentile(arguments) if name in PERCENTILES else AGGREGATES[name]
        star = name == "count" and not arguments
        if len(arguments) != (0 if star else 1) or (call.star and not star):
            raise MalformedQueryError(f"{name} takes one field.")
        of = None if star else self._within().compile(arguments[0])
        place = len(counted)
        counted.append(Counted(make, of))
        # The values of a group's aggregates are at their places.
        return lambda row: row.made[place] if row.made is not None else None  # type: ignore[index]

    def _percentile(self, arguments: list[Expression]) -> Callable[[], Aggregate]:
        percent = arguments.pop() if len(arguments) == 2 else None
        if not isinstance(percent, Constant) or isinstance(percent.value, str) or not 0 <= percent.value <= 100:
            raise MalformedQueryError("pct takes a field and a number between 0 and 100.")
        return partial(Percentile, float(percent.value))

    def _within(self) -> "Compiler":
        """For what stands in an aggregate: fields again, and no aggregates."""
        return Compiler(self._now_s, self._known)


def pattern_of(text: str) -> "regex.Pattern[str]":
    """A pattern as a query has it. Raises MalformedQueryError."""
    try:
        return regex.compile(text)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise MalformedQueryError(f"Invalid regular expression: {error}") from None


def _like(subject: Values, like: Like) -> Values:
    wanted, negated = like.text, like.negated
    if not like.is_pattern or not set(wanted) & set("\\^$.|?*+()[]{}"):
        find: Callable[[str], bool] = lambda text: wanted in text  # noqa: E731
    else:
        search = pattern_of(wanted).search
        find = lambda text: search(text, timeout=MATCH_TIMEOUT_S) is not None  # noqa: E731

    def matches(row: Row) -> Value:
        found = values.text(subject(row))
        return None if found is None else find(found) is not negated

    return matches


def _comparison(operator: str, left: Values, right: Values) -> Values:
    equal, less = values.equal, values.less
    compare: Mapping[str, Callable[[Value, Value], bool | None]] = {
        "=": equal,
        "!=": lambda one, other: _not(equal(one, other)),
        "<": less,
        ">": lambda one, other: less(other, one),
        "<=": lambda one, other: _not(less(other, one)),
        ">=": lambda one, other: _not(less(one, other)),
    }
    chosen = compare[operator]
    return lambda row: chosen(left(row), right(row))


def _membership(subject: Values, members: Sequence[Values], negated: bool) -> Values:
    def is_in(row: Row) -> Value:
        found = subject(row)
        if found is None:
            return None
        return any(values.equal(found, member(row)) for member in members) is not negated

    return is_in


def _logic(operator: str, parts: Sequence[Values]) -> Values:
    """What is not known is not so, and neither is its opposite."""
    if operator == "not":
        (part,) = parts
        return lambda row: _not(_known(part(row)))
    if operator == "and":
        return lambda row: all(part(row) for part in parts)
    return lambda row: any(part(row) for part in parts)


def _known(value: Value) -> bool | None:
    return None if value is None else bool(value)


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value
