"""References and the expressions of directives."""

import re
from collections.abc import Callable, Sequence

from stoker.apis.rest.vtl.nodes import (
    Block,
    Expression,
    Index,
    Interpolated,
    ListOf,
    Literal,
    MapOf,
    Member,
    MethodCall,
    Negative,
    Not,
    Operation,
    Range,
    Reference,
    Step,
)
from stoker.apis.rest.vtl.scanner import Scanner, TemplateSyntaxError

_BEGIN = re.compile(r"\$(!?)(\{?)(!?)([A-Za-z_]\w*(?:-\w+)*)")
_MEMBER = re.compile(r"\.([A-Za-z_]\w*(?:-\w+)*)")
_NUMBER = re.compile(r"\d{1,18}(?!\d)(?:\.\d{1,18}(?!\d))?")
_WORD = re.compile(r"(true|false|null)\b")
_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_DOUBLE = re.compile(r'"((?:[^"]|"")*)"')
_NOT = re.compile(r"\s*(?:!(?!=)|not\b)")
# From what binds least to what binds most.
_LEVELS = [
    re.compile(r"\s*(\|\||or\b)"),
    re.compile(r"\s*(&&|and\b)"),
    re.compile(r"\s*(==|!=|eq\b|ne\b)"),
    re.compile(r"\s*(<=|>=|<|>|le\b|ge\b|lt\b|gt\b)"),
    re.compile(r"\s*([+-])"),
    re.compile(r"\s*([*/%])"),
]
_SYMBOLS = {"or": "||", "and": "&&", "eq": "==", "ne": "!=", "le": "<=", "ge": ">=", "lt": "<", "gt": ">"}


class ExpressionParser:
    """`parse_inner` makes a block of what stands in double quotes."""

    def __init__(self, scanner: Scanner, parse_inner: Callable[[str], Block]) -> None:
        self._scanner = scanner
        self._parse_inner = parse_inner

    def reference(self) -> Reference | None:
        """A reference that begins here; None where a `$` is only that."""
        scanner, begin = self._scanner, self._scanner.at
        found = scanner.take(_BEGIN)
        if found is None:
            return None
        steps: list[Step] = []
        while (step := self._step()) is not None:
            steps.append(step)
        if found[2] and not scanner.next_is("}"):
            scanner.at = begin
            return None
        if found[2]:
            scanner.one()
        quiet = bool(found[1] or found[3])
        return Reference(name=found[4], steps=steps, quiet=quiet, source=scanner.text[begin : scanner.at])

    def _step(self) -> Step | None:
        scanner = self._scanner
        if found := scanner.take(_MEMBER):
            if not scanner.next_is("("):
                return Member(found[1])
            scanner.one()
            return MethodCall(found[1], self._items(")"))
        if not scanner.next_is("["):
            return None
        # In a text, `$name[` may be only that.
        begin = scanner.at
        scanner.one()
        try:
            index = self.expression()
            scanner.expect("]")
        except TemplateSyntaxError:
            scanner.at = begin
            return None
        return Index(index)

    def expression(self, level: int = 0) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self.expression(level + 1)
        while found := self._scanner.take(_LEVELS[level]):
            operator = _SYMBOLS.get(found[1], found[1])
            left = Operation(operator=operator, left=left, right=self.expression(level + 1))
        return left

    def _unary(self) -> Expression:
        scanner = self._scanner
        if scanner.take(_NOT):
            return Not(self._unary())
        if scanner.accept("-"):
            return Negative(self._unary())
        return self._primary()

    def _primary(self) -> Expression:
        scanner = self._scanner
        if scanner.accept("("):
            inner = self.expression()
            scanner.expect(")")
            return inner
        if scanner.next_is("$") and (reference := self.reference()) is not None:
            return reference
        if found := scanner.take(_NUMBER):
            return Literal(float(found[0]) if "." in found[0] else int(found[0]))
        if found := scanner.take(_WORD):
            return Literal({"true": True, "false": False, "null": None}[found[1]])
        if found := scanner.take(_SINGLE):
            return Literal(found[1].replace("''", "'"))
        if found := scanner.take(_DOUBLE):
            return Interpolated(self._parse_inner(found[1].replace('""', '"')))
        if scanner.accept("["):
            return self._list()
        if scanner.accept("{"):
            return self._map()
        raise TemplateSyntaxError(f"a value was expected at character {scanner.at}")

    def _list(self) -> Expression:
        scanner = self._scanner
        if scanner.accept("]"):
            return ListOf(())
        first = self.expression()
        if scanner.accept(".."):
            last = self.expression()
            scanner.expect("]")
            return Range(first=first, last=last)
        items = [first]
        while scanner.accept(","):
            items.append(self.expression())
        scanner.expect("]")
        return ListOf(items)

    def _map(self) -> Expression:
        scanner = self._scanner
        pairs: list[tuple[Expression, Expression]] = []
        if scanner.accept("}"):
            return MapOf(pairs)
        while True:
            key = self.expression()
            scanner.expect(":")
            pairs.append((key, self.expression()))
            if not scanner.accept(","):
                break
        scanner.expect("}")
        return MapOf(pairs)

    def _items(self, end: str) -> Sequence[Expression]:
        """Expressions with commas between them, up to `end`."""
        scanner = self._scanner
        items: list[Expression] = []
        if scanner.accept(end):
            return items
        while True:
            items.append(self.expression())
            if not scanner.accept(","):
                break
        scanner.expect(end)
        return items
