"""Which attributes a condition asks about."""

from collections.abc import Iterator

from stoker.items.expression import (
    AllOf,
    AnyOf,
    Between,
    Call,
    Comparison,
    Condition,
    Membership,
    Negation,
    Operand,
    Parenthesised,
    Path,
)


def attribute_names(condition: Condition) -> frozenset[str]:
    """The names of the attributes at the beginnings of a bound condition's paths."""
    return frozenset(str(path.parts[0]) for path in _paths(condition))


def _paths(condition: Condition | Operand) -> Iterator[Path]:
    match condition:
        case Path():
            yield condition
        case AllOf(parts=parts) | AnyOf(parts=parts) | Call(operands=parts):
            for part in parts:
                yield from _paths(part)
        case Negation(part=part) | Parenthesised(part=part):
            yield from _paths(part)
        case Comparison(left=left, right=right):
            yield from _paths(left)
            yield from _paths(right)
        case Between(operand=operand, low=low, high=high):
            for each in (operand, low, high):
                yield from _paths(each)
        case Membership(operand=operand, choices=choices):
            for each in (operand, *choices):
                yield from _paths(each)
