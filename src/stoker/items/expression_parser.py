"""Texts of expressions to values, by the grammar beside this file. What was parsed is kept: texts repeat."""

import importlib.resources
import threading
from collections import OrderedDict
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from stoker.items.expression import (
    Action,
    AllOf,
    AnyOf,
    Between,
    Call,
    Comparison,
    Condition,
    Expression,
    Literal,
    Membership,
    Negation,
    Operand,
    Parenthesised,
    Path,
    Projection,
    Sum,
    Update,
)
from stoker.model.errors import ValidationException

MAX_EXPRESSION_BYTES = 4096
MAX_OPERATORS = 300
# A parsed expression is some KB.
KEPT_EXPRESSIONS = 2_000
_OPERATORS = frozenset({"EQUAL", "COMPARATOR", "AND", "OR", "NOT", "BETWEEN", "IN", "LPAR", "SIGN"})
_NEAR_CHARACTERS = 12


class ExpressionParser:
    """Parses conditions, updates and projections. Thread-safe; the grammar is compiled at the first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lark: Lark | None = None
        # Guarded by the lock, as is the parser, whose lexer has state.
        self._known: OrderedDict[tuple[str, str], Expression] = OrderedDict()

    def __repr__(self) -> str:
        return f"<ExpressionParser {len(self._known)} kept>"

    def parse(self, start: str, text: str, name: str) -> Expression:
        """`start` is condition, update or projection; `name` is what errors call it: ConditionExpression, …"""
        with self._lock:
            known = self._known.get((start, text))
            if known is None:
                known = self._known[start, text] = self._parse(start, text, name)
                if len(self._known) > KEPT_EXPRESSIONS:
                    self._known.popitem(last=False)
            else:
                self._known.move_to_end((start, text))
            return known

    def _parse(self, start: str, text: str, name: str) -> Expression:
        if not text.strip():
            raise ValidationException(f"Invalid {name}: The expression can not be empty;")
        if len(text.encode()) > MAX_EXPRESSION_BYTES:
            raise ValidationException(
                f"Invalid {name}: Expression size has exceeded the maximum allowed size; "
                f"expression size: {len(text.encode())}"
            )
        if self._lark is None:
            self._lark = _compile()
        try:
            _refuse_too_many_operators(self._lark, text, name)
            parsed: Expression = self._lark.parse(text, start=start)  # type: ignore[assignment]
        except UnexpectedInput as error:
            token, near = _place(error, text)
            raise ValidationException(f'Invalid {name}: Syntax error; token: "{token}", near: "{near}"') from error
        return parsed


def _compile() -> Lark:
    grammar = importlib.resources.files(__package__).joinpath("expressions.lark").read_text()
    return Lark(
        grammar,
        parser="lalr",
        start=["condition", "update", "projection"],
        transformer=_ToExpression(),
        maybe_placeholders=False,
    )


def _refuse_too_many_operators(lark: Lark, text: str, name: str) -> None:
    """Also keeps what follows from nesting more deeply than Python's stack."""
    if len(text) <= MAX_OPERATORS:
        return
    count = sum(token.type in _OPERATORS for token in lark.lex(text, dont_ignore=False))
    if count > MAX_OPERATORS:
        raise ValidationException(
            f"Invalid {name}: The expression contains too many operators; operator count: {count}"
        )


def _place(error: UnexpectedInput, text: str) -> tuple[str, str]:
    """The token that was not expected, and what stands around it."""
    if isinstance(error, UnexpectedCharacters):
        token = error.char
    elif isinstance(error, UnexpectedToken) and error.token.type != "$END":
        token = str(error.token)
    else:
        return "<EOF>", text[-_NEAR_CHARACTERS:]
    at = error.pos_in_stream or 0
    before = text[:at].rstrip().rpartition(" ")[2]
    return token, f"{before} {text[at : at + len(token) + _NEAR_CHARACTERS]}".strip()


class _ToExpression(Transformer[Token, Any]):
    """A method for each rule; it takes what the rule's parts became."""

    def condition(self, parts: list[Condition]) -> Condition:
        return parts[0]

    def any_of(self, parts: list[Any]) -> Condition:
        return AnyOf(tuple(part for part in parts if not isinstance(part, Token)))

    def all_of(self, parts: list[Condition]) -> Condition:
        return parts[0]

    def conjunction(self, parts: list[Any]) -> Condition:
        return AllOf(tuple(part for part in parts if not isinstance(part, Token)))

    def negation(self, parts: list[Any]) -> Condition:
        return Negation(parts[1])

    def comparison(self, parts: list[Any]) -> Condition:
        return Comparison(str(parts[1]), parts[0], parts[2])

    def between(self, parts: list[Any]) -> Condition:
        return Between(parts[0], parts[2], parts[4])

    def membership(self, parts: list[Any]) -> Condition:
        return Membership(parts[0], tuple(parts[2:]))

    def test(self, parts: list[Call]) -> Condition:
        return parts[0]

    def parenthesised(self, parts: list[Condition]) -> Condition:
        return Parenthesised(parts[0])

    def operand(self, parts: list[Operand]) -> Operand:
        return parts[0]

    def call(self, parts: list[Any]) -> Call:
        return Call(str(parts[0]), tuple(parts[1:]))

    def value(self, parts: list[Token]) -> Literal:
        return Literal(str(parts[0]))

    def path(self, parts: list[Any]) -> Path:
        return Path(tuple(part if isinstance(part, int) else str(part) for part in parts))

    def member(self, parts: list[Token]) -> str:
        return str(parts[0])

    def index(self, parts: list[Token]) -> int:
        return int(parts[0])

    def update(self, parts: list[tuple[str, list[Action]]]) -> Update:
        actions = [action for _, section in parts for action in section]
        return Update(tuple(actions), tuple(kind for kind, _ in parts))

    def set_section(self, parts: list[Any]) -> tuple[str, list[Action]]:
        return "SET", parts[1:]

    def assignment(self, parts: list[Any]) -> Action:
        return Action("SET", parts[0], parts[-1])

    def sum(self, parts: list[Any]) -> Sum:
        return Sum(str(parts[1]), parts[0], parts[2])

    def remove_section(self, parts: list[Any]) -> tuple[str, list[Action]]:
        return "REMOVE", [Action("REMOVE", path) for path in parts[1:]]

    def add_section(self, parts: list[Any]) -> tuple[str, list[Action]]:
        return "ADD", _pairs("ADD", parts[1:])

    def delete_section(self, parts: list[Any]) -> tuple[str, list[Action]]:
        return "DELETE", _pairs("DELETE", parts[1:])

    def projection(self, parts: list[Path]) -> Projection:
        return Projection(tuple(parts))


def _pairs(kind: str, parts: list[Any]) -> list[Action]:
    return [Action(kind, path, value) for path, value in zip(parts[::2], parts[1::2], strict=True)]
