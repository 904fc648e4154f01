"""Texts in policies: literal characters, wildcards, and variables that a request fills in (`${aws:username}`).

Source: "IAM policy elements: Variables and tags" in the IAM user guide.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from stoker.identity.patterns import Matcher, Part, Wildcard, compile_pattern

# Condition keys in lower case with their values: a list for those that have several.
Context: TypeAlias = Mapping[str, str | Sequence[str]]

_VARIABLE = re.compile(r"\$\{(?P<key>[^{},']*)(?:,\s*'(?P<default>[^']*)'\s*)?\}")
_WILDCARDS = {"*": Wildcard.MANY, "?": Wildcard.ONE}
# `${*}` and the like are the character itself.
_ESCAPES = frozenset("*?$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """What a request has under a condition key (in lower case), or `default` where it has nothing."""

    key: str
    default: str | None

    def value(self, context: Context) -> str | None:
        found = context.get(self.key)
        return found if isinstance(found, str) else self.default


@dataclass(frozen=True)
class Template:
    """One text, or a field of an ARN. Compiled once if it has no variables."""

    parts: tuple[Part | Variable, ...]

    @cached_property
    def keys(self) -> frozenset[str]:
        """The condition keys that it asks for."""
        return frozenset(part.key for part in self.parts if isinstance(part, Variable))

    @cached_property
    def _fixed(self) -> Matcher | None:
        fixed = [part for part in self.parts if not isinstance(part, Variable)]
        return compile_pattern(fixed) if len(fixed) == len(self.parts) else None

    @cached_property
    def is_anything(self) -> bool:
        return self.parts == (Wildcard.MANY,)

    def matcher(self, context: Context) -> Matcher | None:
        """What matches it in a request; None if that lacks a variable. A variable's value has no wildcards."""
        if self._fixed is not None:
            return self._fixed
        filled: list[Part] = []
        for part in self.parts:
            value = part.value(context) if isinstance(part, Variable) else part
            if value is None:
                return None
            filled.append(value)
        return compile_pattern(filled)

    def fields(self, count: int) -> list["Template"]:
        """Cut at the first `count - 1` colons that are not in a variable; those that are missing are `*`."""
        cut: list[list[Part | Variable]] = [[]]
        for part in self.parts:
            if not isinstance(part, str):
                cut[-1].append(part)
                continue
            first, *others = part.split(":", count - len(cut))
            cut[-1].extend([first] if first else [])
            cut.extend([each] if each else [] for each in others)
        cut += [[Wildcard.MANY]] * (count - len(cut))
        return [Template(tuple(parts)) for parts in cut]


def parse_template(text: str, *, wildcards: bool, variables: bool) -> Template:
    """A text of a policy; `variables` are for policies of version 2012-10-17."""
    parts: list[Part | Variable] = []
    place = 0
    for found in _VARIABLE.finditer(text) if variables else ():
        parts += _plain(text[place : found.start()], wildcards)
        # Blanks are taken off here: an expression that leaves them out takes the third power of their number.
        key: str = found["key"].strip()
        parts.append(key if key in _ESCAPES else Variable(key=key.lower(), default=found["default"]))
        place = found.end()
    return Template(tuple(_joined([*parts, *_plain(text[place:], wildcards)])))


def _plain(text: str, wildcards: bool) -> list[Part]:
    if not wildcards:
        return [text] if text else []
    return [_WILDCARDS.get(piece, piece) for piece in re.split(r"([*?])", text) if piece]


def _joined(parts: Sequence[Part | Variable]) -> list[Part | Variable]:
    """Without a second `*` right after one: it would say nothing more."""
    return [part for n, part in enumerate(parts) if part is not Wildcard.MANY or n == 0 or parts[n - 1] is not part]
