"""Expressions of metric math: parsed by the grammar beside this file, and evaluated over series. Pure."""

import importlib.resources
import operator
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lark import Lark, LarkError, Token, Tree

from stoker.observability.cloudwatch.math_functions import FUNCTIONS, UNBUILT, power
from stoker.observability.cloudwatch.series import Grid, MathError, Operator, Series, Value, combine

_KEYWORDS = frozenset({"ASC", "AVG", "DESC", "LINEAR", "MAX", "MIN", "REPEAT", "SUM"})
_OPERATORS: Mapping[str, Operator] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    "<=": lambda left, right: float(left <= right),
    ">": lambda left, right: float(left > right),
    ">=": lambda left, right: float(left >= right),
}


class UnbuiltFunctionError(Exception):
    """A function of metric math that is not built."""


class MetricMath:
    """Parses expressions. Thread-safe; the grammar is compiled at the first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lark: Lark | None = None

    def __repr__(self) -> str:
        return f"<MetricMath {'compiled' if self._lark else 'not compiled'}>"

    def parse(self, text: str) -> "Expression":
        """Raises MathError, and UnbuiltFunctionError."""
        if text.lstrip()[:7].upper() == "SELECT ":
            raise UnbuiltFunctionError("Metrics Insights queries (SELECT …) are not built.")
        with self._lock:
            if self._lark is None:
                grammar = importlib.resources.files(__package__).joinpath("metric_math.lark").read_text()
                self._lark = Lark(grammar, parser="lalr")
            try:
                tree = self._lark.parse(text)
            except LarkError as error:
                raise MathError(f"Error in expression: unexpected text at character {_place(error)}") from error
        _refuse_unbuilt(tree)
        return Expression(tree)


class Expression:
    """A parsed expression."""

    def __init__(self, tree: Tree[Token]) -> None:
        self._tree = tree

    @property
    def names(self) -> frozenset[str]:
        """The ids that it refers to."""
        found = (str(node.children[0]) for node in self._tree.iter_subtrees() if node.data == "name")
        return frozenset(name for name in found if name not in _KEYWORDS)

    @property
    def is_over_all(self) -> bool:
        """Whether it asks for METRICS()."""
        return any(_function(node) == "METRICS" for node in self._tree.iter_subtrees() if node.data == "call")

    def evaluate(self, *, values: Mapping[str, Value], metrics: Mapping[str, Series], grid: Grid) -> Value:
        """Its value. `values` are those of all ids that it refers to, `metrics` what METRICS() gives, by id.

        Raises MathError.
        """
        try:
            return _Evaluation(values, metrics, grid).value(self._tree.children[0])
        except RecursionError as error:
            raise MathError("The expression is nested too deeply") from error


class _Evaluation:
    """Of one expression."""

    def __init__(self, values: Mapping[str, Value], metrics: Mapping[str, Series], grid: Grid) -> None:
        self._values = values
        self._metrics = metrics
        self._grid = grid
        self._kinds: Mapping[str, Callable[[Sequence[Any]], Value]] = {
            "both": lambda parts: self._logical(parts, lambda left, right: float(bool(left) and bool(right))),
            "call": self._call,
            "compared": self._binary,
            "either": lambda parts: self._logical(parts, lambda left, right: float(bool(left) or bool(right))),
            "list": self._list,
            "name": self._name,
            "negated": self._negated,
            "number": lambda parts: float(parts[0]),
            "power": lambda parts: power(self.value(parts[0]), self.value(parts[1])),
            "product": self._binary,
            "sum": self._binary,
            "text": lambda parts: str(parts[0])[1:-1],
        }

    def value(self, node: Any) -> Value:
        return self._kinds[node.data](node.children)

    def _binary(self, parts: Sequence[Any]) -> Value:
        return combine(_OPERATORS[str(parts[1])], self.value(parts[0]), self.value(parts[2]))

    def _logical(self, parts: Sequence[Any], of: Operator) -> Value:
        return combine(of, self.value(parts[0]), self.value(parts[2]))

    def _negated(self, parts: Sequence[Any]) -> Value:
        return combine(_OPERATORS[str(parts[0])], 0.0, self.value(parts[1]))

    def _name(self, parts: Sequence[Any]) -> Value:
        name = str(parts[0])
        if name in self._values:
            return self._values[name]
        if name in _KEYWORDS:
            return name
        raise MathError(f"Undefined id {name}")

    def _list(self, parts: Sequence[Any]) -> Value:
        found: list[Series] = []
        for part in parts:
            value = self.value(part) if part is not None else []
            if isinstance(value, Series):
                found.append(value)
            elif isinstance(value, list):
                found += value
            else:
                raise MathError("An array has time series for elements")
        return found

    def _call(self, parts: Sequence[Any]) -> Value:
        name = str(parts[0]).upper()
        arguments = [self.value(part) for part in parts[1:] if part is not None]
        if name == "METRICS":
            part = str(arguments[0]) if arguments else ""
            return [series for id_, series in self._metrics.items() if part in id_]
        if name == "TIME_SERIES":
            (number,) = arguments
            if not isinstance(number, (int, float)):
                raise MathError("TIME_SERIES takes a number")
            return Series(points=dict.fromkeys(self._grid, float(number)), grid=self._grid)
        function = FUNCTIONS.get(name)
        if function is None:
            raise MathError(f"Unknown function {name}")
        try:
            return function(*arguments)
        except TypeError as error:
            raise MathError(f"The arguments of {name} are not what it takes") from error


def _function(node: Tree[Token]) -> str:
    return str(node.children[0]).upper()


def _refuse_unbuilt(tree: Tree[Token]) -> None:
    for node in tree.iter_subtrees():
        if node.data == "call" and _function(node) in UNBUILT:
            raise UnbuiltFunctionError(f"The function {_function(node)} of metric math is not built.")


def _place(error: LarkError) -> str:
    column = getattr(error, "column", None)
    return str(column) if isinstance(column, int) and column > 0 else "at the end"
