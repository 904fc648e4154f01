"""Create, get, list, update and delete: the same for every kind of an API's parts."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from stoker.apis.http.apis import HttpApis
from stoker.apis.http.draft import Document, Draft
from stoker.apis.http.parts import PartKind
from stoker.model.clock import Clock
from stoker.services.apigatewayv2.shapes import page, shown
from stoker.wire.message import Call
from stoker.wire.operations import Method

Answer = Mapping[str, Any]
T = TypeVar("T")


class PartOperations:
    """The operations on one kind. `stamp` gives members that the platform sets, by the time and whether it is new."""

    def __init__(
        self,
        kind: PartKind,
        apis: HttpApis,
        clock: Clock,
        stamp: Callable[[float, bool], Document] = lambda _now, _new: {},
    ) -> None:
        self._kind = kind
        self._apis = apis
        self._clock = clock
        self._stamp = stamp

    def operations(self, part: str) -> Mapping[str, Method]:
        """What is served, by the operations' names in snake case. `part` is the kind's name in them."""
        return {
            f"create_{part}": self.create,
            f"get_{part}": self.get,
            f"get_{part}s": self.list,
            f"update_{part}": self.update,
            f"delete_{part}": self.delete,
        }

    async def create(self, call: Call) -> Answer:
        given = {**call.params, **self._stamp(self._clock.time(), True)}
        return self._shown(await self._change(call, lambda draft: self._kind.create(draft, given), given))

    async def get(self, call: Call) -> Answer:
        draft = await self._apis.read(call.region, call.params["ApiId"])
        return self._shown(self._kind.get(draft, call.params))

    async def list(self, call: Call) -> Answer:
        draft = await self._apis.read(call.region, call.params["ApiId"])
        return page([self._without_parent(each) for each in self._kind.all(draft, call.params)], call.params)

    async def update(self, call: Call) -> Answer:
        given = {**call.params, **self._stamp(self._clock.time(), False)}
        return self._shown(await self._change(call, lambda draft: self._kind.update(draft, given), given))

    async def delete(self, call: Call) -> Answer:
        await self._apis.change(call.region, call.params["ApiId"], lambda draft: self._kind.delete(draft, call.params))
        return {}

    async def _change(self, call: Call, work: Callable[[Draft], Document], given: Mapping[str, Any]) -> Document:
        """The part as it is after all that the change led to: a stage may have been deployed."""
        api_id, kind = call.params["ApiId"], self._kind
        part = await self._apis.change(call.region, api_id, work)
        draft = await self._apis.read(call.region, api_id)
        return draft.find(kind.name, part[kind.id_member]) or part

    def _shown(self, part: Document) -> Answer:
        return shown(self._without_parent(part))

    def _without_parent(self, part: Document) -> Document:
        """Where a part belongs is in its address only."""
        return {name: value for name, value in part.items() if name != self._kind.parent}
