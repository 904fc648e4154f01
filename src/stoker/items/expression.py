"""Expressions as values: what the parser makes of their text, and what binding names and values makes of that.

Before binding a path's parts may be placeholders (`#name`) and a `Literal` is called by its placeholder; afterwards
parts are attributes' names and list indexes, and literals are values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: an attribute's name, then names of members and indexes of elements."""

    parts: tuple[str | int, ...]

    def __str__(self) -> str:
        """As error messages show it: `[a, b, [0]]`."""
        return f"[{', '.join(f'[{part}]' if isinstance(part, int) else part for part in self.parts)}]"


@dataclass(frozen=True, slots=True)
class Literal:
    """A value; before binding, the placeholder (`:value`) of one."""

    value: Any


@dataclass(frozen=True, slots=True)
class Call:
    """A function of operands."""

    name: str
    operands: tuple["Operand", ...]


Operand = Path | Literal | Call


@dataclass(frozen=True, slots=True)
class Comparison:
    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class Membership:
    operand: Operand
    choices: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    part: "Condition"


@dataclass(frozen=True, slots=True)
class Parenthesised:
    """Only before binding, which refuses pairs that say nothing."""

    part: "Condition"


Condition = Comparison | Between | Membership | Call | AllOf | AnyOf | Negation | Parenthesised


@dataclass(frozen=True, slots=True)
class Sum:
    """`left + right` or `left - right`."""

    sign: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Action:
    """One action of an update: `kind` is SET, REMOVE, ADD or DELETE; a REMOVE has no operand."""

    kind: str
    path: Path
    operand: Operand | Sum | None = None


@dataclass(frozen=True, slots=True)
class Update:
    actions: Sequence[Action]
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Projection:
    paths: tuple[Path, ...]


Expression = Condition | Update | Projection
