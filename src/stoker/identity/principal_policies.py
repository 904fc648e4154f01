"""What is attached to a principal: all that decides, beside a resource's own policy, what it may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stoker.identity.circumstances import is_steady
from stoker.identity.documents import Document


# Compared by identity: decisions are remembered by it, and a change makes a new value.
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class PrincipalPolicies:
    """The policies of a user or of a role's session, whatever way they are attached.

    `identity` are a user's own and its groups', or a role's; `boundary` is its permissions boundary; `session` are the
    policies that AssumeRole was given. `exists` is False for who is no longer there: then nothing is allowed.
    `arn` is the user's or the role's ARN with its path, which a session's own does not show; `tags` are its tags, a
    session's own included. `asks_for` are the condition keys that any of them looks at. They are steady if a decision
    by them is good for whenever this principal does the same to the same thing from the same address.

    Whoever hands these out gives the same object until something changes, and a new one at once when it has.
    """

    identity: tuple[Document, ...] = ()
    boundary: Document | None = None
    session: tuple[Document, ...] = ()
    exists: bool = True
    arn: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    asks_for: frozenset[str] = field(init=False)
    is_steady: bool = field(init=False)

    def __post_init__(self) -> None:
        documents = [*self.identity, *self.session, *([self.boundary] if self.boundary is not None else [])]
        asks_for = frozenset[str]().union(*(document.asks_for for document in documents))
        object.__setattr__(self, "asks_for", asks_for)
        object.__setattr__(self, "is_steady", all(map(is_steady, asks_for)))
