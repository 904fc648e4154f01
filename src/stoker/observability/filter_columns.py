"""Filter patterns for space-delimited events: `[ip, user, ..., status = 4* && status != 404, bytes > 1000]`. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stoker.model.errors import InvalidParameterException
from stoker.observability.filter_values import Tokens, take_comparison, unexpected

# A condition on an event's columns by name.
Condition = Callable[[Mapping[str, str]], bool]

ELLIPSIS = "..."
# What stands between brackets or double quotes is one column, without them.
_BRACKETED = re.compile(r"\[([^\]]*)\]")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_WORD = re.compile(r"\S+")
_SPACE = re.compile(r"\s*")
_PIECE = re.compile(r""""(?:[^"\\]|\\.)*"|%[^%]*%|,|[^,"%]+""", re.DOTALL)
_NAME = re.compile(r"[\w$@\-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cell:
    """What a pattern says of one column: the names that it introduces, and a condition."""

    names: Sequence[str]
    condition: Condition | None


def compile_columns(pattern: str) -> Callable[[str], bool]:
    """Whether a message has these columns and they satisfy all conditions. Raises InvalidParameterException."""
    if not pattern.endswith("]"):
        raise InvalidParameterException("Invalid filter pattern: ']' is missing")
    cells = [_cell(text.strip(), place) for place, text in enumerate(_split(pattern[1:-1]))]
    names = [name for cell in cells for name in cell.names]
    if names.count(ELLIPSIS) > 1:
        raise InvalidParameterException("Invalid filter pattern: more than one ellipsis")
    conditions = [cell.condition for cell in cells if cell.condition is not None]

    def matches(message: str) -> bool:
        columns = _name_columns(names, _columns_of(message))
        return columns is not None and all(condition(columns) for condition in conditions)

    return matches


def _split(text: str) -> list[str]:
    """The cells between commas; a comma in quotes or in a regular expression is none."""
    pieces = _PIECE.findall(text)
    if "".join(pieces) != text:
        raise InvalidParameterException("Invalid filter pattern: unbalanced quotes or percent signs")
    cells = [""]
    for piece in pieces:
        if piece == ",":
            cells.append("")
        else:
            cells[-1] += piece
    return cells


def _cell(text: str, place: int) -> _Cell:
    """One cell. Its first name is its column; a further name, as in `[status = 4* && bytes > 1]`, is one after it."""
    if text in (ELLIPSIS, "…"):
        return _Cell(names=[ELLIPSIS], condition=None)
    if not text:
        return _Cell(names=[f"${place + 1}"], condition=None)
    if _NAME.fullmatch(text):
        return _Cell(names=[text], condition=None)
    # `name =! value` is how older patterns write `!=`.
    tokens, names = Tokens(re.sub(r"=\s*!", "!=", text)), list[str]()
    condition = _any_of(tokens, names)
    tokens.expect_end()
    return _Cell(names=names, condition=condition)


def _any_of(tokens: Tokens, names: list[str]) -> Condition:
    conditions = [_all_of(tokens, names)]
    while tokens.took("||"):
        conditions.append(_all_of(tokens, names))
    return lambda columns: any(condition(columns) for condition in conditions)


def _all_of(tokens: Tokens, names: list[str]) -> Condition:
    conditions = [_comparison(tokens, names)]
    while tokens.took("&&"):
        conditions.append(_comparison(tokens, names))
    return lambda columns: all(condition(columns) for condition in conditions)


def _comparison(tokens: Tokens, names: list[str]) -> Condition:
    if tokens.took("("):
        inner = _any_of(tokens, names)
        if not tokens.took(")"):
            raise unexpected(tokens.ahead)
        return inner
    token = tokens.take()
    if token.kind != "word" or not _NAME.fullmatch(token.text):
        raise unexpected(token)
    name = token.text
    if name not in names:
        names.append(name)
    test = take_comparison(tokens)
    return lambda columns: name in columns and test(columns[name])


def _columns_of(message: str) -> Sequence[str]:
    """What has no end is a word, and has none at any later place either: looking again would take the line's square."""
    columns, place = list[str](), _SPACE.match(message).end()  # type: ignore[union-attr]
    pairs = {"[": _BRACKETED, '"': _QUOTED}
    while place < len(message):
        begin = message[place]
        found = pairs[begin].match(message, place) if begin in pairs else None
        if found is None:
            pairs.pop(begin, None)
            found = _WORD.match(message, place)
            assert found is not None
        columns.append(found[found.lastindex or 0])
        place = _SPACE.match(message, found.end()).end()  # type: ignore[union-attr]
    return columns


def _name_columns(names: Sequence[str], values: Sequence[str]) -> Mapping[str, str] | None:
    """The values by name; None when there are too many or too few. An ellipsis stands for any number of columns."""
    if ELLIPSIS not in names:
        return dict(zip(names, values, strict=True)) if len(names) == len(values) else None
    before = names.index(ELLIPSIS)
    after = len(names) - before - 1
    if len(values) < before + after:
        return None
    named = dict(zip(names[:before], values, strict=False))
    return named | dict(zip(names[before + 1 :], values[len(values) - after :], strict=True))
