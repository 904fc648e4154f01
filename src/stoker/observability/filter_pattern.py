"""CloudWatch Logs filter patterns: which log events a search, or a live tail, shows. Pure.

The rules are of "Filter pattern syntax" in the CloudWatch Logs user guide. This module has the patterns of terms;
`{ … }` is in `filter_json.py`, `[ … ]` in `filter_columns.py`, what they share in `filter_values.py`.
"""

import re
from collections.abc import Callable

from stoker.model.errors import InvalidParameterException
from stoker.observability.filter_columns import compile_columns
from stoker.observability.filter_json import compile_json
from stoker.observability.filter_values import compile_regex, unquote

Filter = Callable[[str], bool]

_TERM = re.compile(
    r"""\s*(?P<sign>[?-]?)(?:(?P<quoted>"(?:[^"\\]|\\.)*")|%(?P<regex>[^%]*)%|(?P<word>[^\s"%]+))(?=\s|$)""", re.DOTALL
)
_PLAIN_WORD = re.compile(r"\w+")


def compile_filter(pattern: str) -> Filter:
    """Whether an event's message matches. Raises InvalidParameterException for a pattern that is none."""
    text = pattern.strip()
    if not text:
        return lambda message: True
    if text.startswith("{"):
        return compile_json(text)
    if text.startswith("["):
        return compile_columns(text)
    return _compile_terms(text)


def _compile_terms(text: str) -> Filter:
    """All plain terms and no excluded one, anywhere in the message; `?` terms count only among themselves."""
    by_sign: dict[str, list[Filter]] = {"": [], "-": [], "?": []}
    place = 0
    while place < len(text):
        found = _TERM.match(text, place)
        if found is None:
            raise InvalidParameterException(f"Invalid filter pattern: unbalanced or empty term at {text[place:]!r}")
        by_sign[found["sign"]].append(_term(found))
        place = found.end()
    required, excluded, optional = by_sign[""], by_sign["-"], by_sign["?"]
    if required or excluded:
        return lambda message: all(term(message) for term in required) and not any(term(message) for term in excluded)
    return lambda message: any(term(message) for term in optional)


def _term(found: re.Match[str]) -> Filter:
    if found["regex"] is not None:
        return compile_regex(found["regex"])
    if found["quoted"] is not None:
        phrase = unquote(found["quoted"])
    elif _PLAIN_WORD.fullmatch(found["word"]):
        phrase = found["word"]
    else:
        raise InvalidParameterException(f"Invalid character(s) in term '{found['word']}'")
    return lambda message: phrase in message
