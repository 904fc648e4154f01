"""Comparisons that JSON and space-delimited patterns share: text with wildcards, numbers, regular expressions. Pure."""

import operator
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from stoker.model.errors import InvalidParameterException
from stoker.model.limited_regex import Pattern, PatternError, PatternTimeoutError

# What a JSON member or a column can be compared as.
Scalar = str | int | float | bool
Test = Callable[[Scalar], bool]

# A pattern may hold two regular expressions (user guide, "Supported regular expressions").
MAX_REGEXES = 2
# Ours: a pattern is at most 1,024 characters long, and nobody reads one that is nested deeper.
MAX_PARENTHESES = 50
# What a look into one line costs where an expression does not go back and forth, and what all looks of one filter may
# cost beyond that: a page of a search, or a session's lines, are many.
_ORDINARY_S, _ORDINARY_S_PER_CHARACTER = 1e-3, 50e-9
MOST_SECONDS_BEYOND = 1.0
_REGEX_CHARACTERS = re.compile(r"[A-Za-z0-9_#=@/;,:' ^$?\[\]{}|\\*+.\-]*")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_ORDERS = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*")|%(?P<regex>[^%]*)%|(?P<symbol>&&|\|\||!=|<=|>=|[=<>()])"""
    r"""|(?P<word>(?:\[[^\]]*\]|[^\s"%&|!=<>()])+))""",
    re.DOTALL,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A piece of a pattern: `kind` is quoted, regex, symbol, word, or end."""

    kind: str
    text: str


class Tokens:
    """The tokens of a pattern's inside, looked at one ahead."""

    def __init__(self, text: str) -> None:
        self._tokens: Sequence[Token] = list(_tokenize(text))
        if sum(token.kind == "regex" for token in self._tokens) > MAX_REGEXES:
            raise InvalidParameterException(f"Invalid filter pattern: more than {MAX_REGEXES} regular expressions")
        if sum(token.text == "(" for token in self._tokens) > MAX_PARENTHESES:
            raise InvalidParameterException(f"Invalid filter pattern: more than {MAX_PARENTHESES} parentheses")
        self._next = 0

    @property
    def ahead(self) -> Token:
        return self._tokens[self._next]

    def take(self) -> Token:
        token = self.ahead
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def took(self, *symbols: str) -> bool:
        """Whether these words or symbols came next; they are consumed then. Words are compared without case."""
        ahead = self._tokens[self._next : self._next + len(symbols)]
        if [token.text.upper() for token in ahead if token.kind in ("word", "symbol")] != list(symbols):
            return False
        self._next += len(symbols)
        return True

    def expect_end(self) -> None:
        if self.ahead.kind != "end":
            raise unexpected(self.ahead)


def unexpected(token: Token) -> InvalidParameterException:
    where = "the end" if token.kind == "end" else f"'{token.text}'"
    return InvalidParameterException(f"Invalid filter pattern: unexpected {where}")


def take_comparison(tokens: Tokens) -> Test:
    """An operator and what it compares with."""
    sign = tokens.take()
    if sign.text not in ("=", "!=", *_ORDERS) or sign.kind != "symbol":
        raise unexpected(sign)
    literal = tokens.take()
    if literal.kind not in ("quoted", "regex", "word"):
        raise unexpected(literal)
    if sign.text in _ORDERS:
        return _ordered(sign.text, literal)
    equal = _equality(literal)
    return equal if sign.text == "=" else lambda value: not equal(value)


def compile_regex(source: str) -> Callable[[str], bool]:
    """Whether a text has what a regular expression of CloudWatch's subset describes.

    It has no groups, hence nothing nested, but `.*.*.*x` takes the third power of a line's length. What is returned
    raises InvalidParameterException for that.
    """
    if not _REGEX_CHARACTERS.fullmatch(source):
        raise InvalidParameterException(
            f"Invalid filter pattern: unsupported character in regular expression '{source}'"
        )
    try:
        pattern = Pattern(source, ascii_only=True)
    except PatternError as error:
        raise InvalidParameterException(f"Invalid filter pattern: '{source}' is no regular expression") from error
    beyond_s = 0.0

    def finds(text: str) -> bool:
        nonlocal beyond_s
        began = time.thread_time()
        try:
            found = pattern.finds(text)
        except PatternTimeoutError:
            raise InvalidParameterException(too_long) from None
        taken_s = time.thread_time() - began
        beyond_s += max(0.0, taken_s - _ORDINARY_S - len(text) * _ORDINARY_S_PER_CHARACTER)
        if beyond_s > MOST_SECONDS_BEYOND:
            raise InvalidParameterException(too_long)
        return found

    too_long = f"Invalid filter pattern: the regular expression '{source}' takes too long"
    return finds


def unquote(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL)


def number_of(value: Scalar) -> float | None:
    """The value as a number, also of a text that is one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return value


def _ordered(sign: str, literal: Token) -> Test:
    bound = number_of(literal.text) if literal.kind == "word" else None
    if bound is None:
        raise InvalidParameterException(f"Invalid filter pattern: '{literal.text}' is no number")
    compare = _ORDERS[sign]
    limit = bound

    def test(value: Scalar) -> bool:
        number = number_of(value)
        return number is not None and bool(compare(number, limit))

    return test


def _equality(literal: Token) -> Test:
    if literal.kind == "regex":
        finds = compile_regex(literal.text)
        return lambda value: finds(_text_of(value))
    text = unquote(literal.text) if literal.kind == "quoted" else literal.text
    matches = _wildcard(text)
    number = number_of(text) if literal.kind == "word" else None

    def equal(value: Scalar) -> bool:
        same_number = number is not None and not isinstance(value, str) and number_of(value) == number
        return same_number or matches(_text_of(value))

    return equal


def _wildcard(text: str) -> Callable[[str], bool]:
    """`*` stands for any text, also none. By hand, since a regular expression would backtrack over several of them."""
    if "*" not in text:
        return lambda value: value == text
    first, *middle, last = text.split("*")

    def matches(value: str) -> bool:
        if not value.startswith(first) or not value.endswith(last) or len(value) < len(first) + len(last):
            return False
        place, end = len(first), len(value) - len(last)
        for part in middle:
            found = value.find(part, place, end)
            if found < 0:
                return False
            place = found + len(part)
        return True

    return matches


def _text_of(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _tokenize(text: str) -> Iterator[Token]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise InvalidParameterException(f"Invalid filter pattern: cannot read {text[place:].strip()!r}")
        yield Token(kind=found.lastgroup, text=found[found.lastgroup])
        place = found.end()
    yield Token(kind="end", text="")
