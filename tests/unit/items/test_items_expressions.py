"""Expressions against a slow twin: written as text for the one, walked as they were made by the other."""

import copy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.items.attribute_value import normalise_item
from stoker.items.binding import Bindings
from stoker.items.conditions import holds
from stoker.items.expression_parser import ExpressionParser
from stoker.items.updates import apply_update
from stoker.model.errors import ValidationException

PARSER = ExpressionParser()
Item = dict[str, dict[str, Any]]

scalars = st.one_of(
    st.sampled_from(["", "a", "ab", "b", "é"]).map(lambda text: {"S": text}),
    st.sampled_from(["0", "1", "-1.5", "10", "1.50"]).map(lambda text: {"N": text}),
    st.sampled_from([b"a", b"ab", b"\xff"]).map(lambda content: {"B": content}),
    st.booleans().map(lambda yes: {"BOOL": yes}),
    st.just({"NULL": True}),
)
sets = st.one_of(
    st.sets(st.sampled_from(["a", "b", "ab"]), min_size=1).map(lambda members: {"SS": sorted(members)}),
    st.sets(st.sampled_from(["1", "2", "10"]), min_size=1).map(lambda members: {"NS": sorted(members)}),
)
values = st.recursive(
    scalars | sets,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: {"L": each})
        | st.dictionaries(st.sampled_from("xy"), inner, max_size=2).map(lambda each: {"M": each})
    ),
    max_leaves=4,
)
items = st.dictionaries(st.sampled_from("pqrs"), values, max_size=4)
paths = st.tuples(st.sampled_from("pqrs")).flatmap(
    lambda head: st.lists(st.sampled_from(["x", "y", 0, 1]), max_size=2).map(lambda rest: (*head, *rest))
)


class Written:
    """Writes an expression's text, and keeps the values that it names."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def value(self, value: Any) -> str:
        name = f":v{len(self.values)}"
        self.values[name] = value
        return name

    def operand(self, operand: Any) -> str:
        kind, what = operand
        if kind == "value":
            return self.value(what)
        path = what[0] + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in what[1:])
        return f"size({path})" if kind == "size" else path

    def condition(self, node: Any) -> str:
        kind, *parts = node
        if kind == "not":
            return f"NOT ({self.condition(parts[0])})"
        if kind in ("and", "or"):
            return f"({self.condition(parts[0])}) {kind} ({self.condition(parts[1])})"
        if kind == "between":
            return "{} between {} and {}".format(*map(self.operand, parts))
        if kind == "in":
            return f"{self.operand(parts[0])} IN ({', '.join(map(self.operand, parts[1]))})"
        if kind == "call":
            return f"{parts[0]}({', '.join(map(self.operand, parts[1:]))})"
        return f"{self.operand(parts[0])} {kind} {self.operand(parts[1])}"


def look(item: Item, path: tuple[Any, ...]) -> Any:
    here: Any = {"M": item}
    for part in path:
        inside = here.get("L" if isinstance(part, int) else "M")
        if inside is None or (part >= len(inside) if isinstance(part, int) else part not in inside):
            return None
        here = inside[part]
    return here


def plain(value: Any) -> Any:
    """Something that Python compares as DynamoDB does."""
    ((kind, content),) = value.items()
    if kind == "N":
        return kind, Decimal(content)
    if kind == "NS":
        return kind, frozenset(map(Decimal, content))
    if kind in ("SS", "BS"):
        return kind, frozenset(content)
    if kind == "L":
        return kind, [plain(each) for each in content]
    if kind == "M":
        return kind, {name: plain(each) for name, each in content.items()}
    return kind, content.encode() if kind == "S" else content


def told_size(value: Any) -> Any:
    ((kind, content),) = value.items()
    return None if kind in ("N", "BOOL", "NULL") else {"N": str(len(content))}


def valued(item: Item, operand: Any) -> Any:
    kind, what = operand
    if kind == "value":
        return what
    found = look(item, what)
    return told_size(found) if kind == "size" and found is not None else found


def compare(operator: str, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return operator == "<>"
    (kind, one), (other_kind, other) = plain(left), plain(right)
    if operator in ("=", "<>"):
        return ((kind, one) == (other_kind, other)) == (operator == "=")
    if kind != other_kind or kind not in ("S", "N", "B"):
        return False
    return bool({"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[operator])


def called(name: str, left: Any, right: Any) -> bool:
    if name == "attribute_exists":
        return left is not None
    if name == "attribute_not_exists":
        return left is None
    if left is None or right is None:
        return False
    (kind, one), (other_kind, other) = plain(left), plain(right)
    if name == "begins_with":
        return kind == other_kind and kind in ("S", "B") and bool(one.startswith(other))
    if kind == "L":
        return any(each == (other_kind, other) for each in one)
    if kind in ("S", "B"):
        return kind == other_kind and other in one
    return kind in ("SS", "NS") and kind[0] == other_kind and (right[other_kind] if kind == "SS" else other) in one


def twin(node: Any, item: Item) -> bool:
    kind, *parts = node
    if kind == "not":
        return not twin(parts[0], item)
    if kind in ("and", "or"):
        outcomes = [twin(part, item) for part in parts]
        return all(outcomes) if kind == "and" else any(outcomes)
    if kind == "between":
        value, low, high = (valued(item, part) for part in parts)
        return compare(">=", value, low) and compare("<=", value, high)
    if kind == "in":
        return any(compare("=", valued(item, parts[0]), valued(item, choice)) for choice in parts[1])
    if kind == "call":
        return called(parts[0], valued(item, parts[1]), valued(item, parts[2]) if len(parts) > 2 else None)
    return compare(kind, valued(item, parts[0]), valued(item, parts[1]))


path_operands = st.tuples(st.just("path"), paths)
value_operands = st.tuples(st.just("value"), values)
operands = path_operands | value_operands | st.tuples(st.just("size"), paths)
leaves = st.one_of(
    st.tuples(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), operands, operands),
    st.tuples(st.just("between"), path_operands, operands, operands),
    st.tuples(st.just("in"), operands, st.lists(operands, min_size=1, max_size=3)),
    st.tuples(st.just("call"), st.sampled_from(["attribute_exists", "attribute_not_exists"]), path_operands),
    st.tuples(st.just("call"), st.just("contains"), path_operands, value_operands),
    st.tuples(st.just("call"), st.just("begins_with"), path_operands, path_operands | value_operands),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=4,
)


@given(conditions, items)
def test_a_condition_holds_where_its_twin_does(condition: Any, item: Item) -> None:
    written = Written()
    text = written.condition(condition)
    try:
        bound = Bindings(PARSER, None, written.values or None).condition(text, "ConditionExpression")
    except ValidationException:
        # Refused for what it compares; which of them are is told below.
        return
    assert holds(bound, normalise_item(item)) == twin(condition, item)


# Updates. The twin takes every value first, then sets, then removes from the end.


class RefusedError(Exception):
    pass


def twin_value(action: Any, item: Item) -> Any:
    kind, path, what = action
    if kind == "REMOVE":
        return None
    found = look(item, path)
    if kind == "SET":
        how, *parts = what
        if how == "plain":
            value = valued(item, parts[0])
        elif how == "default":
            value = look(item, parts[0])
            value = parts[1] if value is None else value
        else:
            left, right = valued(item, parts[1]), valued(item, parts[2])
            if left is None or right is None or "N" not in left or "N" not in right:
                raise RefusedError
            first, second = Decimal(left["N"]), Decimal(right["N"])
            value = {"N": str(first + second if parts[0] == "+" else first - second)}
        if value is None:
            raise RefusedError
        return copy.deepcopy(value)
    ((type_name, content),) = what.items()
    if found is None:
        return what if kind == "ADD" else None
    if type_name not in found:
        raise RefusedError
    if type_name == "N":
        return {"N": str(Decimal(found["N"]) + Decimal(content))}
    before, named = set(found[type_name]), set(content)
    left_over = before | named if kind == "ADD" else before - named
    return {type_name: sorted(left_over)} if left_over else None


def twin_update(actions: list[Any], item: Item) -> Item:
    results = [(kind, path, twin_value((kind, path, what), item)) for kind, path, what in actions]
    new: Any = copy.deepcopy(item)
    gone: list[tuple[Any, ...]] = []
    for kind, path, value in results:
        if value is None:
            if kind == "REMOVE" or look(item, path) is not None:
                gone.append(path)
            continue
        inside = holder(new, path)
        if isinstance(path[-1], int) and path[-1] >= len(inside):
            inside.append(value)
        else:
            inside[path[-1]] = value
    for path in gone:
        inside = holder(new, path)
        if isinstance(path[-1], int):
            if path[-1] < len(inside):
                inside[path[-1]] = None
        else:
            inside.pop(path[-1], None)
    result: Item = closed_up(new)
    return result


def holder(item: Any, path: tuple[Any, ...]) -> Any:
    if len(path) == 1:
        return item
    parent = look(item, path[:-1])
    inside = None if parent is None else parent.get("L" if isinstance(path[-1], int) else "M")
    if inside is None:
        raise RefusedError
    return inside


def closed_up(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: closed_up(each) for name, each in value.items()}
    return [closed_up(each) for each in value if each is not None] if isinstance(value, list) else value


assigned = st.one_of(
    st.tuples(st.just("plain"), value_operands | path_operands),
    st.tuples(st.just("default"), paths, values),
    st.tuples(
        st.just("sum"),
        st.sampled_from("+-"),
        path_operands,
        st.sampled_from(["1", "2.5"]).map(lambda text: ("value", {"N": text})),
    ),
)
actions = st.one_of(
    st.tuples(st.just("SET"), paths, assigned),
    st.tuples(st.just("REMOVE"), paths, st.none()),
    st.tuples(st.just("ADD"), paths, sets | st.just({"N": "1.5"})),
    st.tuples(st.just("DELETE"), paths, sets),
)


def written_update(chosen: list[Any], written: Written) -> str:
    sections: dict[str, list[str]] = {}
    for kind, path, what in chosen:
        target = written.operand(("path", path))
        if kind == "REMOVE":
            text = target
        elif kind != "SET":
            text = f"{target} {written.value(what)}"
        elif what[0] == "plain":
            text = f"{target} = {written.operand(what[1])}"
        elif what[0] == "default":
            text = f"{target} = if_not_exists({written.operand(('path', what[1]))}, {written.value(what[2])})"
        else:
            text = f"{target} = {written.operand(what[2])} {what[1]} {written.operand(what[3])}"
        sections.setdefault(kind, []).append(text)
    return " ".join(f"{kind} {', '.join(texts)}" for kind, texts in sections.items())


def comparable(item: Item) -> dict[str, Any]:
    return {name: plain(value) for name, value in item.items()}


@given(st.lists(actions, min_size=1, max_size=3), items)
def test_an_update_makes_what_its_twin_makes(chosen: list[Any], item: Item) -> None:
    # As they are written: by section.
    order = {kind: place for place, kind in reversed(list(enumerate(kind for kind, _, _ in chosen)))}
    chosen = sorted(chosen, key=lambda action: order[action[0]])
    written = Written()
    text = written_update(chosen, written)
    try:
        bound = Bindings(PARSER, None, written.values or None).update(text)
    except ValidationException as error:
        assert "path" in error.message
        return
    before = normalise_item(item)
    kept = copy.deepcopy(before)
    try:
        expected = twin_update(chosen, item)
    except RefusedError:
        with pytest.raises(ValidationException):
            apply_update(bound, before)
    else:
        assert comparable(apply_update(bound, before)) == comparable(expected)
    assert before == kept


NAMES = {"#p": "p"}
VALUES = {":one": {"N": "1"}, ":text": {"S": "a"}, ":list": {"L": []}, ":map": {"M": {}}}
REFUSALS = Path(__file__).with_name("expression_refusals.txt").read_text().splitlines()


@pytest.mark.parametrize("line", REFUSALS)
def test_what_an_expression_may_not_say_is_refused_in_dynamodb_s_words(line: str) -> None:
    kind, text, message = line.split(" | ")
    name = f"{kind.capitalize()}Expression"
    bindings = Bindings(PARSER, NAMES, VALUES)
    with pytest.raises(ValidationException) as caught:
        bindings.condition(text, name) if kind == "condition" else bindings.update(text, name)
    assert caught.value.message == f"Invalid {name}: {message}"
