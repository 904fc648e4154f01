"""PostToConnection, GetConnection and DeleteConnection: wire words to the connections that are open.

IAM is asked about the connection's own API and stage.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from stoker.apis.access import MANAGE_CONNECTIONS, route_arn
from stoker.apis.http.connections import Connections
from stoker.model.access import Access, AccessTable, Resources, Where
from stoker.model.clock import Clock
from stoker.wire.message import Call
from stoker.wire.operations import Method, operations_of

NORMAL = 1000


class ApiGatewayManagementApiService:
    """What is done to WebSocket connections from outside."""

    name = "apigatewaymanagementapi"

    def __init__(self, *, connections: Connections, clock: Clock) -> None:
        self._connections = connections
        self._clock = clock
        self.operations: Mapping[str, Method] = operations_of(self)
        self.access: AccessTable = {
            operation: Access(action=MANAGE_CONNECTIONS, resources=self._named(method))
            for operation, method in (
                ("DeleteConnection", "DELETE"),
                ("GetConnection", "GET"),
                ("PostToConnection", "POST"),
            )
        }

    def __repr__(self) -> str:
        return f"<ApiGatewayManagementApiService {self._connections!r}>"

    async def post_to_connection(self, call: Call) -> Mapping[str, Any]:
        connection_id, data = call.params["ConnectionId"], call.params["Data"]
        await self._connections.post(call.region, connection_id, data, self._clock.time())
        return {}

    async def get_connection(self, call: Call) -> Mapping[str, Any]:
        found = self._connections.require(call.region, call.params["ConnectionId"])
        return {
            "ConnectedAt": datetime.fromtimestamp(found.connected_at, UTC),
            "Identity": {"SourceIp": found.source_ip, "UserAgent": found.user_agent},
            "LastActiveAt": datetime.fromtimestamp(found.active_at, UTC),
        }

    async def delete_connection(self, call: Call) -> Mapping[str, Any]:
        found = self._connections.require(call.region, call.params["ConnectionId"])
        found.wire.close(NORMAL, "")
        return {}

    def _named(self, method: str) -> Resources:
        """The connection as IAM names it: by its API and stage, which an id that is nobody's does not tell."""

        def resources(params: Mapping[str, Any], where: Where) -> Sequence[str]:
            connection_id = str(params.get("ConnectionId", ""))
            found = self._connections.find(connection_id)
            api_id, stage = ("*", "*") if found is None else (found.api_id, found.stage)
            rest = f"{method}/@connections/{connection_id}"
            return [route_arn(where.region, where.account, api_id, stage, rest)]

        return resources
