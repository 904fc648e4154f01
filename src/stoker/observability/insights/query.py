"""What a query is: commands in a row, and the expressions in them. Values only."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct


class Field(Struct, frozen=True):
    """A field by its name; dots lead into JSON."""

    name: str


class Constant(Struct, frozen=True):
    """A number or a text as it stands in the query."""

    value: int | float | str


class Period(Struct, frozen=True):
    """`5m`: so many of a unit (`ms`, `s`, `m`, `h`, `d`, `w`, `mo`, `q`, `y`)."""

    count: int
    unit: str


class Call(Struct, frozen=True):
    """A function, its name in lower case. `star` is the argument of `count(*)`."""

    function: str
    arguments: Sequence["Expression"]
    star: bool = False


class Operation(Struct, frozen=True):
    """Arithmetic; a minus of one operand has none on its left."""

    operator: str
    left: "Expression | None"
    right: "Expression"


class Comparison(Struct, frozen=True):
    """`=`, `!=`, `<`, `<=`, `>`, `>=`."""

    operator: str
    left: "Expression"
    right: "Expression"


class Like(Struct, frozen=True):
    """Whether a text contains `text`, or a match of it where it `is_pattern`."""

    subject: "Expression"
    text: str
    is_pattern: bool
    negated: bool


class Membership(Struct, frozen=True):
    """`in [a, b]`."""

    subject: "Expression"
    members: Sequence["Expression"]
    negated: bool


class Logic(Struct, frozen=True):
    """`and`, `or`; `not` has one part."""

    operator: Literal["and", "or", "not"]
    parts: Sequence["Expression"]


Expression = Field | Constant | Period | Call | Operation | Comparison | Like | Membership | Logic


class Column(Struct, frozen=True):
    """A column: its name is the `as` of the query, else the expression as it was written."""

    name: str
    expression: Expression


class Fields(Struct, frozen=True):
    columns: Sequence[Column]


class Display(Struct, frozen=True):
    columns: Sequence[Column]


class Filter(Struct, frozen=True):
    condition: Expression


class Stats(Struct, frozen=True):
    """Aggregates of each group of rows that have the same values in the columns of `by`."""

    columns: Sequence[Column]
    by: Sequence[Column]


class SortKey(Struct, frozen=True):
    """`text` is the expression as it was written: what names a column of `stats`."""

    expression: Expression
    text: str
    descending: bool


class Sort(Struct, frozen=True):
    keys: Sequence[SortKey]


class Limit(Struct, frozen=True):
    count: int


class Parse(Struct, frozen=True):
    """Fields out of a text: by wildcards, each of which is one of `names`, or by a pattern's named groups."""

    field: str
    pattern: str
    is_pattern: bool
    names: Sequence[str]


class Dedup(Struct, frozen=True):
    fields: Sequence[str]


Command = Fields | Display | Filter | Stats | Sort | Limit | Parse | Dedup


class Query(Struct, frozen=True):
    commands: Sequence[Command]


class MalformedQueryError(ValueError):
    """The text is no query. `start` and `end` are where in it, in characters."""

    def __init__(self, message: str, start: int = 0, end: int = 0) -> None:
        self.start = start
        self.end = end
        super().__init__(message)


class UnbuiltCommandError(ValueError):
    """A command of the language that is not there yet."""
