"""Open WebSocket connections, by their ids: what the management API knows of."""

from dataclasses import dataclass

from stoker.apis.request import SocketWire
from stoker.model.errors import ServiceError

MAX_MESSAGE_BYTES = 128 * 1024
"""Source: "Amazon API Gateway quotas"; in frames of at most 32 KB when it comes from a client."""


class GoneException(ServiceError):  # noqa: N818 - AWS's name
    """The connection is no longer there."""

    code = "GoneException"
    status = 410


class LimitExceededException(ServiceError):  # noqa: N818 - AWS's name
    """The client does not take its messages."""

    code = "LimitExceededException"
    status = 429


class PayloadTooLargeException(ServiceError):  # noqa: N818 - AWS's name
    """Message too long"""

    code = "PayloadTooLargeException"
    status = 413


@dataclass(kw_only=True)
class OpenConnection:
    """One client. Times are in seconds since the epoch; `active_at` is that of its last message, in or out."""

    id: str
    region: str
    api_id: str
    stage: str
    source_ip: str
    user_agent: str
    connected_at: float
    active_at: float
    wire: SocketWire


class Connections:
    """All of them are at this Stoker: they end when it does."""

    def __init__(self) -> None:
        self._open: dict[str, OpenConnection] = {}

    def __repr__(self) -> str:
        return f"<Connections {len(self._open)} open>"

    def add(self, connection: OpenConnection) -> None:
        self._open[connection.id] = connection

    def discard(self, connection_id: str) -> None:
        self._open.pop(connection_id, None)

    def find(self, connection_id: str) -> OpenConnection | None:
        return self._open.get(connection_id)

    def require(self, region: str, connection_id: str) -> OpenConnection:
        """Raises GoneException."""
        found = self._open.get(connection_id)
        if found is None or found.region != region:
            raise GoneException
        return found

    async def post(self, region: str, connection_id: str, data: bytes, now: float) -> None:
        """Send a client a message: as text if it is some.

        Raises GoneException, PayloadTooLargeException, and LimitExceededException where the client does not read.
        """
        if len(data) > MAX_MESSAGE_BYTES:
            raise PayloadTooLargeException
        connection = self.require(region, connection_id)
        try:
            await connection.wire.send(as_message(data))
        except ConnectionError:
            raise GoneException from None
        except TimeoutError:
            raise LimitExceededException from None
        connection.active_at = now


def as_message(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
