"""Evaluates a template within a budget. Pure, but for the objects that it is given.

Source: the Velocity user guide: what leads to nothing is printed as it was written, `$!` prints nothing instead.
"""

from collections.abc import Callable, Mapping
from typing import Any

from stoker.apis.rest.vtl import arithmetic, methods
from stoker.apis.rest.vtl.budget import Budget, TemplateError
from stoker.apis.rest.vtl.nodes import (
    Block,
    Break,
    Expression,
    ForEach,
    If,
    Index,
    Interpolated,
    ListOf,
    Literal,
    MapOf,
    Member,
    MethodCall,
    Negative,
    Node,
    Not,
    Operation,
    Range,
    Reference,
    Set,
    Step,
    Text,
)

MAX_ITERATIONS = 1_000
"""Source: "API Gateway mapping template and access logging variable reference": iterations of a #foreach loop."""


class _Left(Exception):  # noqa: N818 (no fault, but the way out)
    """A loop, or with `everything` the template, is left."""

    def __init__(self, *, everything: bool) -> None:
        self.everything = everything


def evaluate(template: Block, names: Mapping[str, Any]) -> str:
    """The text that a template gives; `names` are what its references begin with. Raises TemplateError."""
    evaluation = _Evaluation(dict(names), Budget())
    try:
        return evaluation.render(template)
    except RecursionError:
        raise TemplateError("the template is nested too deeply") from None
    except _Left:
        return evaluation.written()


class _Evaluation:
    def __init__(self, names: dict[str, Any], budget: Budget) -> None:
        self._names = names
        self._budget = budget
        self._written: list[str] = []

    def __repr__(self) -> str:
        return f"<_Evaluation of {len(self._names)} names>"

    def render(self, template: Block) -> str:
        self._run(template)
        return self.written()

    def written(self) -> str:
        return "".join(self._written)

    def _write(self, text: str) -> None:
        self._budget.take_text(len(text))
        self._written.append(text)

    def _run(self, block: Block) -> None:
        for node in block:
            self._budget.take_step()
            self._run_node(node)

    def _run_node(self, node: Node) -> None:
        match node:
            case Text(text):
                self._write(text)
            case Reference():
                self._write(self._shown(node))
            case Set(target, value):
                self._assign(target, self._value(value))
            case If(branches, otherwise):
                chosen = next((block for condition, block in branches if _holds(self._value(condition))), otherwise)
                self._run(chosen or ())
            case ForEach():
                self._loop(node)
            case Break(everything):
                raise _Left(everything=everything)

    def _shown(self, reference: Reference) -> str:
        value = self._refer(reference)
        if value is None:
            return "" if reference.quiet else reference.source
        return methods.text_of(value)

    def _loop(self, loop: ForEach) -> None:
        items = methods.items_of(self._value(loop.items))
        if len(items) > MAX_ITERATIONS:
            raise TemplateError(f"#foreach may go over {MAX_ITERATIONS} items")
        before = {name: self._names.get(name) for name in (loop.variable, "foreach", "velocityCount")}
        for index, item in enumerate(items):
            last = len(items) - 1
            about = {"index": index, "count": index + 1, "hasNext": index < last, "first": not index}
            self._names |= {
                loop.variable: item,
                "foreach": {**about, "last": index == last},
                "velocityCount": index + 1,
            }
            self._names["velocityHasNext"] = index < last
            try:
                self._run(loop.body)
            except _Left as left:
                if left.everything:
                    raise
                break
        self._names |= before

    def _assign(self, target: Reference, value: Any) -> None:
        if not target.steps:
            self._names[target.name] = value
            return
        holder = self._names.get(target.name)
        for step in target.steps[:-1]:
            holder = self._take(holder, step)
        match target.steps[-1]:
            case Member(name):
                methods.put(holder, name, value)
            case Index(expression):
                methods.put(holder, self._value(expression), value)
            case MethodCall():
                raise TemplateError("#set sets a variable or a property")

    def _refer(self, reference: Reference) -> Any:
        value = self._names.get(reference.name)
        for step in reference.steps:
            if value is None:
                return None
            self._budget.take_step()
            value = self._take(value, step)
        return value

    def _take(self, holder: Any, step: Step) -> Any:
        match step:
            case Member(name):
                return methods.member(holder, name)
            case Index(expression):
                return methods.at_index(holder, self._value(expression))
            case MethodCall(name, arguments):
                given = [self._value(argument) for argument in arguments]
                return methods.call(holder, name, given, self._budget)

    def _value(self, expression: Expression) -> Any:
        self._budget.take_step()
        return _VALUES[type(expression)](self, expression)

    def _interpolated(self, string: Interpolated) -> str:
        outer, self._written = self._written, []
        try:
            return self.render(string.block)
        finally:
            self._written = outer

    def _range(self, range_: Range) -> list[int]:
        first, last = self._value(range_.first), self._value(range_.last)
        if not isinstance(first, int) or not isinstance(last, int) or abs(last - first) >= MAX_ITERATIONS:
            raise TemplateError(f"a range has numbers and at most {MAX_ITERATIONS} of them")
        return list(range(first, last + 1) if first <= last else range(first, last - 1, -1))

    def _operation(self, operation: Operation) -> Any:
        left = self._value(operation.left)
        if operation.operator == "&&":
            return _holds(left) and _holds(self._value(operation.right))
        if operation.operator == "||":
            return _holds(left) or _holds(self._value(operation.right))
        return arithmetic.operate(operation.operator, left, self._value(operation.right), self._budget)


_VALUES: Mapping[type, Callable[[_Evaluation, Any], Any]] = {
    Literal: lambda _, it: it.value,
    Interpolated: _Evaluation._interpolated,
    ListOf: lambda self, it: [self._value(item) for item in it.items],
    Range: _Evaluation._range,
    MapOf: lambda self, it: {methods.text_of(self._value(key)): self._value(value) for key, value in it.pairs},
    Not: lambda self, it: not _holds(self._value(it.operand)),
    Negative: lambda self, it: arithmetic.operate("-", 0, self._value(it.operand), self._budget),
    Operation: _Evaluation._operation,
    Reference: _Evaluation._refer,
}


def _holds(value: Any) -> bool:
    """Velocity's truth: what is there is true, unless it is false."""
    return value is not None and value is not False
