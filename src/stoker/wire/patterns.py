"""The models' patterns are Java's: made into Python's where the two differ."""

import re

# `\w` of a Unicode pattern in Python is every letter, every number and the underscore; with the underscore in the same
# class that is what these two properties say. Z is short enough to be written out (Unicode: separators).
_LETTERS_SPACES_NUMBERS = r"\p{L}\p{Z}\p{N}_"
_AS_PYTHON = "\\w \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# In Java a hyphen after `\w` inside a class is a hyphen; Python takes it for a bad range.
_HYPHEN_AFTER_CLASS = re.compile(r"(\\[wdsWDS])-(?!\])")
# Python tries every way to divide a text among parts that may have the same characters: the first two never end, the
# others take a third of a second for as much text as is allowed. These mean the same; an ARN's fields have no colons.
_PLAINER = {
    "^[ \\t]*[\\x20-\\x7E]+([ \\t]+[\\x20-\\x7E]+)*[ \\t]*$": r"\t*[\x20-\x7E][\t\x20-\x7E]*",
    "^[ \\t]*[^\\x00-\\x1F:\\x7F]+([ \\t]+[^\\x00-\\x1F:\\x7F]+)*[ \\t]*$": (
        r"\t*[^\x00-\x1F:\x7F][^\x00-\x08\x0A-\x1F:\x7F]*"
    ),
    "^[a-z0-9A-Z]+[\\.\\-\\w]*[a-z0-9A-Z]+$": r"[a-z0-9A-Z][.\-\w]*[a-z0-9A-Z]",
}
_ARN_FIELDS = re.compile(r"arn\)?:aws\.\*:kinesis:\.\*:")


class UnsupportedPatternError(Exception):
    """A model has a pattern that has no known meaning in Python: teach `to_python` its idiom."""


def to_python(pattern: str) -> re.Pattern[str]:
    """The pattern for use with `fullmatch`, which is what Java's `matches` does."""
    pattern = _ARN_FIELDS.sub(lambda found: found[0].replace(".*", "[^:]*"), _PLAINER.get(pattern, pattern))
    unicode_classes = _LETTERS_SPACES_NUMBERS in pattern
    text = _HYPHEN_AFTER_CLASS.sub(r"\1\\-", pattern.replace(_LETTERS_SPACES_NUMBERS, _AS_PYTHON))
    try:
        # Java's \d and \w are ASCII's unless a Unicode property was asked for.
        return re.compile(text, 0 if unicode_classes else re.ASCII)
    except re.error as error:
        raise UnsupportedPatternError(f"{pattern!r}: {error}") from error
