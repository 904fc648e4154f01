"""One statement of a policy, compiled: whom, what and when it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from stoker.identity.arn_patterns import ArnPattern
from stoker.identity.callers import Caller, Naming, Principals
from stoker.identity.conditions import AnyCondition
from stoker.identity.patterns import Matcher
from stoker.identity.templates import Context


class Effect(Enum):
    """What a statement that applies does."""

    ALLOW = "Allow"
    DENY = "Deny"


# Compared by identity: it is one of a document's.
@dataclass(frozen=True, kw_only=True, eq=False)
class Statement:
    """A statement. `not_actions`, `not_resources` and `not_principals` tell that an element is the one with Not.

    `resources` is None in a trust policy, which is about its role; `principals` is None in a principal's own policy.
    """

    sid: str
    effect: Effect
    actions: Sequence[Matcher]
    not_actions: bool = False
    resources: Sequence[ArnPattern] | None
    not_resources: bool = False
    principals: Principals | None = None
    not_principals: bool = False
    conditions: Sequence[AnyCondition] = ()
    asks_for: frozenset[str] = frozenset()

    @property
    def allows(self) -> bool:
        return self.effect is Effect.ALLOW

    def is_about(self, action: str) -> bool:
        """`action` in lower case."""
        return any(matches(action) for matches in self.actions) is not self.not_actions

    def applies(self, resource: str, context: Context) -> bool:
        """To a request whose action it is about. Where a variable is missing and would decide, nothing is allowed."""
        if not self._covers(resource, context):
            return False
        for condition in self.conditions:
            outcome = condition.holds(context)
            if outcome is False or (outcome is None and self.allows):
                return False
            if outcome is None and not self._denies_unknown(condition):
                return False
        return True

    def names(self, caller: Caller) -> Naming:
        """How closely it names a caller; a principal's own policies need not."""
        if self.principals is None:
            return Naming.EXACT
        naming = self.principals.naming(caller)
        if not self.not_principals:
            return naming
        # An account in NotPrincipal means its root: it keeps a Deny from nobody else, and lets nobody else in.
        enough = Naming.ACCOUNT if self.allows or caller.kind == "Account" else Naming.BROAD
        return Naming.NOT if naming >= enough else Naming.BROAD

    def _covers(self, resource: str, context: Context) -> bool:
        if self.resources is None:
            return True
        found = [pattern.matches(resource, context) for pattern in self.resources]
        if not self.not_resources:
            return True in found
        return True not in found and not (self.allows and None in found)

    @staticmethod
    def _denies_unknown(condition: AnyCondition) -> bool:
        """A Deny on `not what the variable says` holds for whom the variable says nothing."""
        return getattr(condition, "negated", False)
