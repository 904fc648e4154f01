"""What a template is made of. Source: "Velocity Template Language reference" of Apache Velocity 1.7."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a truth value, null or a string in single quotes."""

    value: Any


@dataclass(frozen=True, slots=True)
class Interpolated:
    """A string in double quotes, whose references are filled in."""

    block: "Block"


@dataclass(frozen=True, slots=True)
class ListOf:
    items: "Sequence[Expression]"


@dataclass(frozen=True, slots=True)
class Range:
    first: "Expression"
    last: "Expression"


@dataclass(frozen=True, slots=True)
class MapOf:
    pairs: "Sequence[tuple[Expression, Expression]]"


@dataclass(frozen=True, slots=True)
class Not:
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Negative:
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Operation:
    """`operator` is one of || && == != < > <= >= + - * / %."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Member:
    """`.name`"""

    name: str


@dataclass(frozen=True, slots=True)
class MethodCall:
    """`.name(arguments)`"""

    name: str
    arguments: "Sequence[Expression]"


@dataclass(frozen=True, slots=True)
class Index:
    """`[expression]`"""

    expression: "Expression"


Step: TypeAlias = Member | MethodCall | Index


@dataclass(frozen=True, slots=True)
class Reference:
    """`$name.…`; `source` is what is printed where it leads to nothing, unless it is `quiet` (`$!name`)."""

    name: str
    steps: Sequence[Step]
    quiet: bool
    source: str


Expression: TypeAlias = Literal | Interpolated | ListOf | Range | MapOf | Not | Negative | Operation | Reference


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Set:
    target: Reference
    value: Expression


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with their blocks, in order, and what holds if none does."""

    branches: "Sequence[tuple[Expression, Block]]"
    otherwise: "Block | None"


@dataclass(frozen=True, slots=True)
class ForEach:
    variable: str
    items: Expression
    body: "Block"


@dataclass(frozen=True, slots=True)
class Break:
    """`#break` leaves the loop, `#stop` the template."""

    everything: bool


Node: TypeAlias = Text | Reference | Set | If | ForEach | Break
Block: TypeAlias = Sequence[Node]
