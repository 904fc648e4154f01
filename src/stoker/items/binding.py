"""Names and values put in the place of placeholders, and what an expression may not say told in DynamoDB's words."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NoReturn

from stoker.items.attribute_value import (
    ORDERED_TYPES,
    SET_MEMBERS,
    TYPE_NAMES,
    AttributeValue,
    as_told,
    normalise,
    sort_key,
    type_of,
)
from stoker.items.expression import (
    Action,
    AllOf,
    AnyOf,
    Between,
    Call,
    Comparison,
    Condition,
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
from stoker.items.expression_parser import ExpressionParser
from stoker.items.reserved_words import RESERVED_WORDS
from stoker.model.errors import ValidationException

MAX_CHOICES = 100
_NAME_KEY = re.compile(r"#[A-Za-z0-9_]+")
_VALUE_KEY = re.compile(r":[A-Za-z0-9_]+")
# How many operands each function takes, and which kinds of expressions may use it as what.
_OPERANDS = {
    "attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
    "if_not_exists": 2, "list_append": 2,
}  # fmt: skip
_TESTS = frozenset({"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"})
_UPDATE_FUNCTIONS = frozenset({"if_not_exists", "list_append"})
_OF_A_PATH = frozenset({"attribute_exists", "attribute_not_exists", "if_not_exists"})


class Bindings:
    """ExpressionAttributeNames and -Values of one request; it knows which of them were used."""

    def __init__(
        self, parser: ExpressionParser, names: Mapping[str, str] | None, values: Mapping[str, Any] | None
    ) -> None:
        self._parser = parser
        self._names = _checked_names(names)
        self._values = _checked_values(values)
        self._used: set[str] = set()

    def condition(self, text: str, name: str) -> Condition:
        """A condition or filter, ready to be evaluated; `name` is its parameter's."""
        return _ConditionBinder(self, name).condition(self._parser.parse("condition", text, name))  # type: ignore[arg-type]

    def update(self, text: str, name: str = "UpdateExpression") -> Update:
        """An update whose paths don't touch each other."""
        update: Update = self._parser.parse("update", text, name)  # type: ignore[assignment]
        for section in update.sections:
            if update.sections.count(section) > 1:
                raise ValidationException(
                    f'Invalid {name}: The "{section}" section can only be used once in an update expression;'
                )
        binder = _UpdateBinder(self, name)
        bound = Update([binder.action(action) for action in update.actions])
        check_distinct([action.path for action in bound.actions], name)
        return bound

    def projection(self, text: str, name: str = "ProjectionExpression") -> Projection:
        """A projection whose paths don't touch each other."""
        projection: Projection = self._parser.parse("projection", text, name)  # type: ignore[assignment]
        binder = _Binder(self, name)
        paths = tuple(binder.path(path) for path in projection.paths)
        check_distinct(paths, name)
        return Projection(paths)

    def check_all_used(self) -> None:
        """After the last expression: what was given must have been used."""
        for parameter, given in (("Names", self._names), ("Values", self._values)):
            unused = [key for key in given if key not in self._used]
            if unused:
                raise ValidationException(
                    f"Value provided in ExpressionAttribute{parameter} unused in expressions: "
                    f"keys: {{{', '.join(unused)}}}"
                )

    def name(self, part: str, name: str) -> str:
        """What a path's part stands for."""
        if not part.startswith("#"):
            if part.upper() in RESERVED_WORDS:
                raise ValidationException(
                    f"Invalid {name}: Attribute name is a reserved keyword; reserved keyword: {part}"
                )
            return part
        if part not in self._names:
            raise ValidationException(
                f"Invalid {name}: An expression attribute name used in the document path is not defined; "
                f"attribute name: {part}"
            )
        self._used.add(part)
        return self._names[part]

    def value(self, key: str, name: str) -> AttributeValue:
        """What a value's placeholder stands for."""
        if key not in self._values:
            raise ValidationException(
                f"Invalid {name}: An expression attribute value used in expression is not defined; "
                f"attribute value: {key}"
            )
        self._used.add(key)
        return self._values[key]


class _Binder:
    """Binds one expression; `name` is its parameter's."""

    def __init__(self, bindings: Bindings, name: str) -> None:
        self._bindings = bindings
        self._name = name

    def path(self, path: Path) -> Path:
        return Path(
            tuple(part if isinstance(part, int) else self._bindings.name(part, self._name) for part in path.parts)
        )

    def operand(self, operand: Operand) -> Operand:
        if isinstance(operand, Path):
            return self.path(operand)
        if isinstance(operand, Literal):
            return Literal(self._bindings.value(operand.value, self._name))
        return self.call(operand)

    def call(self, call: Call) -> Call:
        wanted = _OPERANDS.get(call.name)
        if wanted is None:
            self.refuse(f"Invalid function name; function: {call.name}")
        operands = tuple(self.operand(operand) for operand in call.operands)
        if len(operands) != wanted:
            self.refuse(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {call.name}, number of operands: {len(operands)}"
            )
        if call.name in _OF_A_PATH and not isinstance(operands[0], Path):
            self.refuse(f"Operator or function requires a document path; operator or function: {call.name}")
        return Call(call.name, operands)

    def refuse(self, reason: str) -> NoReturn:
        raise ValidationException(f"Invalid {self._name}: {reason}")

    def wrong_type(self, kind: str, name: str, operand: str) -> NoReturn:
        self.refuse(f"Incorrect operand type for operator or function; {kind}: {name}, operand type: {operand}")


class _ConditionBinder(_Binder):
    def condition(self, node: Condition) -> Condition:
        match node:
            case Parenthesised(part=Parenthesised()):
                self.refuse("The expression has redundant parentheses;")
            case Parenthesised(part=part):
                return self.condition(part)
            case Negation(part=part):
                return Negation(self.condition(part))
            case AllOf(parts=parts):
                return AllOf(tuple(map(self.condition, parts)))
            case AnyOf(parts=parts):
                return AnyOf(tuple(map(self.condition, parts)))
            case Comparison():
                return self._comparison(node)
            case Between():
                return self._between(node)
            case Membership():
                return self._membership(node)
        return self._test(node)

    def _comparison(self, node: Comparison) -> Condition:
        left, right = self._compared(node.left), self._compared(node.right)
        if left == right and isinstance(left, Path):
            self._not_distinct(node.operator, left)
        if node.operator not in ("=", "<>"):
            self._require_ordered(node.operator, (left, right))
        return Comparison(node.operator, left, right)

    def _between(self, node: Between) -> Condition:
        operand, low, high = self._compared(node.operand), self._compared(node.low), self._compared(node.high)
        self._require_ordered("BETWEEN", (operand, low, high))
        if isinstance(low, Literal) and isinstance(high, Literal):
            if type_of(low.value) != type_of(high.value):
                self.refuse(
                    "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: "
                    f"AttributeValue: {as_told(low.value)}, upper bound operand: AttributeValue: {as_told(high.value)}"
                )
            if sort_key(low.value) > sort_key(high.value):
                self.refuse(
                    "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound "
                    f"operand: AttributeValue: {as_told(low.value)}, upper bound operand: AttributeValue: "
                    f"{as_told(high.value)}"
                )
        return Between(operand, low, high)

    def _membership(self, node: Membership) -> Condition:
        if len(node.choices) > MAX_CHOICES:
            self.refuse(
                "Incorrect number of operands for operator or function; operator or function: IN, "
                f"number of operands: {len(node.choices)}"
            )
        operand = self._compared(node.operand)
        return Membership(operand, tuple(map(self._compared, node.choices)))

    def _test(self, node: Call) -> Condition:
        test = self.call(node)
        if test.name in _UPDATE_FUNCTIONS:
            self.refuse(f"The function is not allowed in a condition expression; function: {test.name}")
        if test.name not in _TESTS:
            self.refuse(f"The function is not allowed to be used this way in an expression; function: {test.name}")
        for operand in test.operands:
            self._refuse_nested_test(operand)
        subject, argument = test.operands[0], test.operands[-1]
        if test.name == "begins_with":
            for operand in test.operands:
                if isinstance(operand, Literal) and type_of(operand.value) not in ("S", "B"):
                    self.wrong_type("operator or function", test.name, type_of(operand.value))
        if test.name == "attribute_type":
            self._check_type_name(argument)
        if test.name in ("begins_with", "contains") and subject == argument and isinstance(subject, Path):
            self._not_distinct(test.name, subject)
        return test

    def _check_type_name(self, argument: Operand) -> None:
        if not isinstance(argument, Literal):
            self.refuse("Operator or function requires a value; operator or function: attribute_type")
        if type_of(argument.value) != "S":
            self.wrong_type("operator or function", "attribute_type", type_of(argument.value))
        if argument.value["S"] not in TYPE_NAMES:
            self.refuse(
                f"Invalid attribute type name found; type: {argument.value['S']}, "
                f"valid types: {{{','.join(('B', 'NULL', 'SS', 'BOOL', 'L', 'BS', 'N', 'NS', 'S', 'M'))}}}"
            )

    def _compared(self, operand: Operand) -> Operand:
        bound = self.operand(operand)
        self._refuse_nested_test(bound)
        return bound

    def _refuse_nested_test(self, operand: Operand) -> None:
        """Only `size` gives a value that a condition can go on with."""
        if isinstance(operand, Call):
            if operand.name in _UPDATE_FUNCTIONS:
                self.refuse(f"The function is not allowed in a condition expression; function: {operand.name}")
            if operand.name != "size":
                self.refuse(
                    f"The function is not allowed to be used this way in an expression; function: {operand.name}"
                )

    def _require_ordered(self, operator: str, operands: Iterable[Operand]) -> None:
        for operand in operands:
            if isinstance(operand, Literal) and type_of(operand.value) not in ORDERED_TYPES:
                self.wrong_type("operator or function", operator, type_of(operand.value))

    def _not_distinct(self, operator: str, path: Path) -> NoReturn:
        self.refuse(
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {operator}, first operand: {path}"
        )


class _UpdateBinder(_Binder):
    def action(self, action: Action) -> Action:
        path = self.path(action.path)
        operand = action.operand
        if isinstance(operand, Sum):
            sides = self._assigned(operand.left), self._assigned(operand.right)
            for side in sides:
                if isinstance(side, Literal) and type_of(side.value) != "N":
                    self.wrong_type("operator or function", operand.sign, type_of(side.value))
            return Action(action.kind, path, Sum(operand.sign, *sides))
        if operand is None:
            return Action(action.kind, path)
        bound = self._assigned(operand)
        if action.kind in ("ADD", "DELETE") and isinstance(bound, Literal):
            allowed = [*SET_MEMBERS, "N"] if action.kind == "ADD" else [*SET_MEMBERS]
            if type_of(bound.value) not in allowed:
                self.wrong_type("operator", action.kind, TYPE_NAMES[type_of(bound.value)])
        return Action(action.kind, path, bound)

    def _assigned(self, operand: Operand) -> Operand:
        bound = self.operand(operand)
        if isinstance(bound, Call):
            if bound.name not in _UPDATE_FUNCTIONS:
                self.refuse(f"The function is not allowed in an update expression; function: {bound.name}")
            for inner in bound.operands:
                if bound.name == "list_append" and isinstance(inner, Literal) and type_of(inner.value) != "L":
                    self.wrong_type("operator or function", "list_append", type_of(inner.value))
        return bound


def check_distinct(paths: Sequence[Path], name: str) -> None:
    """No path may be another one's beginning, nor take an attribute for a map and for a list."""
    for one, other in combinations(paths, 2):
        length = min(len(one.parts), len(other.parts))
        same = next((at for at in range(length) if one.parts[at] != other.parts[at]), length)
        told = f"must remove or rewrite one of these paths; path one: {one}, path two: {other}"
        if same == length:
            raise ValidationException(f"Invalid {name}: Two document paths overlap with each other; {told}")
        if isinstance(one.parts[same], int) != isinstance(other.parts[same], int):
            raise ValidationException(f"Invalid {name}: Two document paths conflict with each other; {told}")


def _checked_names(names: Mapping[str, str] | None) -> Mapping[str, str]:
    if names is None:
        return {}
    if not names:
        raise ValidationException("ExpressionAttributeNames must not be empty")
    for key in names:
        if not _NAME_KEY.fullmatch(key):
            raise ValidationException(f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{key}"')
    return names


def _checked_values(values: Mapping[str, Any] | None) -> Mapping[str, AttributeValue]:
    if values is None:
        return {}
    if not values:
        raise ValidationException("ExpressionAttributeValues must not be empty")
    checked = {}
    for key, value in values.items():
        if not _VALUE_KEY.fullmatch(key):
            raise ValidationException(f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{key}"')
        try:
            checked[key] = normalise(value)
        except ValidationException as error:
            raise ValidationException(
                f"ExpressionAttributeValues contains invalid value: {error.message} for key {key}"
            ) from error
    return checked
