"""The text of a query to the query, by the grammar beside this file. `lark` is loaded with the first one."""

import importlib.resources
import re
import threading
from typing import Any

from lark import Lark, Token, UnexpectedInput, UnexpectedToken, v_args
from lark.tree import Meta
from lark.visitors import Transformer_NonRecursive

from stoker.observability.insights.query import (
    Call,
    Column,
    Command,
    Comparison,
    Constant,
    Dedup,
    Display,
    Expression,
    Field,
    Fields,
    Filter,
    Like,
    Limit,
    Logic,
    MalformedQueryError,
    Membership,
    Operation,
    Parse,
    Period,
    Query,
    Sort,
    SortKey,
    Stats,
    UnbuiltCommandError,
)

_UNBUILT = frozenset(
    {"pattern", "diff", "unnest", "unmask", "anomaly", "filterindex", "source", "lookup", "join", "search", "tail"}
)
_COMMAND = re.compile(r"\s*([A-Za-z]+)")
# The first letters of a period's unit say which it is, but for months and milliseconds.
_UNITS = {"mo": "mo", "ms": "ms", "milli": "ms"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class QueryParser:
    """Thread-safe; the grammar is compiled when this is made, which takes some tenths of a second."""

    def __init__(self) -> None:
        grammar = importlib.resources.files(__package__).joinpath("insights.lark").read_text()
        # Guards the parser, whose lexer has state.
        self._lock = threading.Lock()
        self._lark = Lark(grammar, parser="lalr", start="query", propagate_positions=True, maybe_placeholders=False)

    def parse(self, text: str) -> Query:
        """Raises MalformedQueryError, and UnbuiltCommandError for commands that are not there."""
        if not text.strip():
            raise MalformedQueryError("The query is empty.")
        try:
            with self._lock:
                tree = self._lark.parse(text)
        except UnexpectedInput as error:
            raise _malformed(error, text) from error
        query: Query = _ToQuery(text).transform(tree)
        return query


def _malformed(error: UnexpectedInput, text: str) -> ValueError:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return MalformedQueryError("unexpected end of the query", len(text), len(text))
    at = error.pos_in_stream or 0
    command = _COMMAND.match(text, text.rfind("|", 0, at) + 1)
    if command is not None and command[1].lower() in _UNBUILT:
        return UnbuiltCommandError(f"The command {command[1]} of Logs Insights is not there yet in Stoker.")
    symbol = str(error.token) if isinstance(error, UnexpectedToken) else text[at]
    where = f"at line {error.line} and position {error.column}"
    return MalformedQueryError(f"unexpected symbol found {symbol} {where}", at, at + len(symbol))


def _text(token: Token) -> str:
    """What a literal says: a backslash gives the character after it, but for the letters that mean others."""
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), token[1:-1], flags=re.DOTALL)


def _wanted(token: Token) -> tuple[str, bool]:
    """What `like` and `parse` look for, and whether it is a pattern."""
    if token.type == "REGEX":
        return token[1:-1].replace("\\/", "/"), True
    return _text(token), False


class _ToQuery(Transformer_NonRecursive[Token, Any]):
    """A method for each rule; it takes what the rule's parts became. What was written names columns."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def query(self, parts: list[Command]) -> Query:
        return Query([part for part in parts if not isinstance(part, Token)])

    def fields(self, parts: list[Any]) -> Fields:
        return Fields(_rest(parts))

    def display(self, parts: list[Any]) -> Display:
        return Display(_rest(parts))

    def filter(self, parts: list[Any]) -> Filter:
        return Filter(_rest(parts)[0])

    def stats(self, parts: list[Any]) -> Stats:
        columns = _rest(parts)
        return Stats(
            [each for each in columns if isinstance(each, Column)],
            [each[0] for each in columns if isinstance(each, tuple)],
        )

    def sort(self, parts: list[Any]) -> Sort:
        return Sort(_rest(parts))

    def limit(self, parts: list[Token]) -> Limit:
        return Limit(int(parts[1]))

    def parse(self, parts: list[Any]) -> Parse:
        _, field, token, *names = parts
        pattern, is_pattern = _wanted(token)
        return Parse(field.name, pattern, is_pattern, [name for name in names if not isinstance(name, Token)])

    def dedup(self, parts: list[Any]) -> Dedup:
        return Dedup([field.name for field in _rest(parts)])

    @v_args(meta=True)
    def column(self, meta: Meta, parts: list[Any]) -> Column:
        expression, *named = parts
        return Column(named[-1] if named else self._written(meta), expression)

    @v_args(meta=True)
    def by_column(self, meta: Meta, parts: list[Any]) -> tuple[Column]:
        return (self.column(meta, parts),)

    @v_args(meta=True)
    def sort_key(self, meta: Meta, parts: list[Any]) -> SortKey:
        expression, *order = parts
        end = order[0].start_pos if order else meta.end_pos
        text = self.text[meta.start_pos : end].strip()
        return SortKey(expression, text, bool(order) and order[0].type == "DESC")

    def name(self, parts: list[Token]) -> str:
        return _name(parts[0])

    def any_of(self, parts: list[Any]) -> Expression:
        return _logic("or", parts)

    def all_of(self, parts: list[Any]) -> Expression:
        return _logic("and", parts)

    def negation(self, parts: list[Any]) -> Logic:
        return Logic("not", [parts[-1]])

    def comparison(self, parts: list[Any]) -> Comparison:
        left, operator, right = parts
        return Comparison(str(operator), left, right)

    def like(self, parts: list[Any]) -> Like:
        subject, *words, token = parts
        text, is_pattern = _wanted(token)
        matches = any(word.type == "MATCHES" for word in words)
        return Like(subject, text, is_pattern or matches, any(word.type == "NOT" for word in words))

    def membership(self, parts: list[Any]) -> Membership:
        subject, *rest = parts
        members = [each for each in rest if not isinstance(each, Token)]
        return Membership(subject, members, any(isinstance(each, Token) and each.type == "NOT" for each in rest))

    def addition(self, parts: list[Any]) -> Operation:
        left, operator, right = parts
        return Operation(str(operator), left, right)

    multiplication = power = addition

    def minus(self, parts: list[Any]) -> Operation:
        return Operation("-", None, parts[-1])

    def call(self, parts: list[Any]) -> Call:
        name, *arguments = parts
        star = any(isinstance(each, Token) for each in arguments)
        return Call(str(name).lower(), [each for each in arguments if not isinstance(each, Token)], star)

    def argument(self, parts: list[Any]) -> Any:
        return parts[0]

    def field(self, parts: list[Token]) -> Field:
        return Field(_name(parts[0]))

    def number(self, parts: list[Token]) -> Constant:
        text = parts[0]
        return Constant(int(text) if text.isdecimal() else float(text))

    def string(self, parts: list[Token]) -> Constant:
        return Constant(_text(parts[0]))

    def period(self, parts: list[Token]) -> Period:
        found = _PERIOD.fullmatch(parts[0])
        assert found is not None
        unit = next((unit for start, unit in _UNITS.items() if found[2].startswith(start)), found[2][0])
        return Period(int(found[1]), unit)

    def _written(self, meta: Meta) -> str:
        return self.text[meta.start_pos : meta.end_pos].strip()


_PERIOD = re.compile(r"([0-9]+)\s*([a-z]+)", re.IGNORECASE)


def _rest(parts: list[Any]) -> list[Any]:
    """All but the words of the language."""
    return [part for part in parts if not isinstance(part, Token)]


def _name(token: Token) -> str:
    return str(token[1:-1] if token.type == "QUOTED" else token)


def _logic(operator: Any, parts: list[Any]) -> Expression:
    found = _rest(parts)
    return found[0] if len(found) == 1 else Logic(operator, found)
