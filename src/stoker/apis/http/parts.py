"""What all kinds of an API's parts have in common: to make one, to change some of its members, to take it away."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.apis.errors import NotFoundException
from stoker.apis.http.draft import Document, Draft


@dataclass(frozen=True, kw_only=True)
class PartKind:
    """`check` completes a part, new or changed, and raises what AWS answers to one that cannot be; it gets the part as
    it was, None of a new one. `forget` is asked before a part goes. `parent` is the member with the id of the part that
    it belongs to, if it is not the API's alone; `natural_id` says that its id is chosen by who makes it.
    """

    name: str
    id_member: str
    members: Sequence[str]
    check: Callable[[Draft, Document, Document | None], Document]
    forget: Callable[[Draft, Document], None] = lambda _draft, _part: None
    parent: str | None = None
    natural_id: bool = False

    def create(self, draft: Draft, given: Mapping[str, Any]) -> Document:
        """A new part."""
        part = {name: given[name] for name in (*self.members, *self._parents()) if given.get(name) is not None}
        part_id = str(given[self.id_member]) if self.natural_id else draft.new_id(self.name)
        part = self.check(draft, {**part, self.id_member: part_id}, None)
        draft.put(self.name, part_id, part)
        return part

    def get(self, draft: Draft, given: Mapping[str, Any]) -> Document:
        """Raises NotFoundException."""
        part = draft.require(self.name, str(given[self.id_member]))
        if self.parent is not None and part.get(self.parent) != given[self.parent]:
            raise NotFoundException(f"Invalid {self.name} identifier specified")
        return part

    def all(self, draft: Draft, given: Mapping[str, Any]) -> Sequence[Document]:
        if self.parent is None:
            return list(draft.all(self.name).values())
        return draft.where(self.name, **{self.parent: given[self.parent]})

    def update(self, draft: Draft, given: Mapping[str, Any]) -> Document:
        """The part with what was given changed."""
        before = self.get(draft, given)
        changed = merged(before, {name: given[name] for name in self.members if given.get(name) is not None})
        part = self.check(draft, changed, before)
        draft.put(self.name, str(given[self.id_member]), part)
        return part

    def delete(self, draft: Draft, given: Mapping[str, Any]) -> None:
        part = self.get(draft, given)
        self.forget(draft, part)
        draft.drop(self.name, str(given[self.id_member]))

    def _parents(self) -> Sequence[str]:
        return [] if self.parent is None else [self.parent]


def merged(before: Document, given: Mapping[str, Any]) -> Document:
    """The members of maps are changed one by one, and taken away by an empty value; all else is replaced."""
    after = dict(before)
    for name, value in given.items():
        if isinstance(value, dict):
            both = {**(before.get(name) or {}), **value}
            after[name] = {key: each for key, each in both.items() if each not in ("", {})}
        else:
            after[name] = value
    return after
