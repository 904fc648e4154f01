"""Patterns for ARNs: each of the six fields is compared on its own, so a wildcard does not reach past a colon.

Only in the last one, the resource's own, colons are characters as any other.
"""

from dataclasses import dataclass

from stoker.identity.templates import Context, Template

FIELDS = 6


@dataclass(frozen=True, slots=True)
class ArnPattern:
    """A pattern, cut into fields; one that is only `*` also matches what is no ARN."""

    whole: Template
    fields: tuple[Template, ...]

    @classmethod
    def of(cls, whole: Template) -> "ArnPattern":
        return cls(whole, tuple(whole.fields(FIELDS)))

    def matches(self, text: str, context: Context) -> bool | None:
        """Whether an ARN is meant; None if the request lacks a variable."""
        if self.whole.is_anything:
            return True
        matchers = [field.matcher(context) for field in self.fields]
        if None in matchers:
            return None
        values = text.split(":", FIELDS - 1)
        if len(values) < FIELDS:
            return False
        return all(matcher(value) for matcher, value in zip(matchers, values, strict=True) if matcher is not None)
