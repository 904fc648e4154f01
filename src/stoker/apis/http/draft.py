"""An API with its parts, while it is looked at or changed."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.apis.errors import NotFoundException
from stoker.apis.ids import new_part_id

Document = dict[str, Any]
"""A part in boto3's words: `RouteKey`, `Target`, … Times are in seconds since the epoch."""

ROUTE, INTEGRATION, AUTHORIZER, STAGE, DEPLOYMENT, MODEL = (
    "Route",
    "Integration",
    "Authorizer",
    "Stage",
    "Deployment",
    "Model",
)
ROUTE_RESPONSE, INTEGRATION_RESPONSE = "RouteResponse", "IntegrationResponse"
# What a deployment is made of.
DEPLOYED = (ROUTE, INTEGRATION, AUTHORIZER, ROUTE_RESPONSE, INTEGRATION_RESPONSE)
HTTP, WEBSOCKET = "HTTP", "WEBSOCKET"

Snapshot = Mapping[str, Mapping[str, Document]]
"""Parts by kind, by id."""


class Draft:
    """What is in `api` and `parts` when a change ends is what the API becomes; `snapshots` are those that it adds."""

    def __init__(self, api: Document, parts: Mapping[str, dict[str, Document]]) -> None:
        self.api = api
        self._parts = {kind: dict(of_kind) for kind, of_kind in parts.items()}
        self.before = copy.deepcopy(api), copy.deepcopy(self._parts)
        self.snapshots: dict[str, Snapshot] = {}

    def __repr__(self) -> str:
        return f"<Draft of API {self.id}>"

    @property
    def id(self) -> str:
        return str(self.api["ApiId"])

    @property
    def protocol(self) -> str:
        return str(self.api["ProtocolType"])

    @property
    def parts(self) -> Mapping[str, Mapping[str, Document]]:
        return self._parts

    def all(self, kind: str) -> Mapping[str, Document]:
        return self._parts.get(kind, {})

    def find(self, kind: str, part_id: str) -> Document | None:
        return self.all(kind).get(part_id)

    def require(self, kind: str, part_id: str) -> Document:
        """Raises NotFoundException in AWS's words."""
        found = self.find(kind, part_id)
        if found is None:
            raise NotFoundException(f"Invalid {kind} identifier specified")
        return found

    def put(self, kind: str, part_id: str, document: Document) -> None:
        self._parts.setdefault(kind, {})[part_id] = document

    def drop(self, kind: str, part_id: str) -> None:
        self._parts.get(kind, {}).pop(part_id, None)

    def new_id(self, kind: str) -> str:
        """An id that no part of the kind has."""
        taken = self.all(kind)
        return next(each for each in iter(new_part_id, None) if each not in taken)

    def snapshot(self) -> Snapshot:
        """What would be deployed now."""
        return {kind: copy.deepcopy(dict(self.all(kind))) for kind in DEPLOYED}

    @property
    def is_to_deploy(self) -> bool:
        """Whether something changed that a stage which deploys by itself has to take over."""
        _, parts = self.before
        return any(self.all(kind) != parts.get(kind, {}) for kind in DEPLOYED)

    def where(self, kind: str, **members: Any) -> Sequence[Document]:
        """The parts whose members are these."""
        return [
            part for part in self.all(kind).values() if all(part.get(name) == value for name, value in members.items())
        ]
