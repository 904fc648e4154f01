"""The interface that every AWS protocol has: what a service's API needs of it, and nothing of any service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from botocore.model import OperationModel, Shape, StructureShape

from stoker.model.errors import ServiceError
from stoker.wire.message import Request, Response, Result


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One operation, compiled: how its requests are read and its results written."""

    parse: Callable[[Request], dict[str, Any]]
    serialise: Callable[[Result, str], Response]
    """Takes the result and the request id."""
    streams_input: bool = False
    """Whether `parse` takes a request whose body is yet to come (`Request.stream`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """An error ready to be written: the model and the class of the error have been asked already.

    `shape` is the model's error shape, if it has one of that code; `sender` tells whose fault it is. `query_code` is
    what the query protocol calls the error of an API that went from there to json, `xml_code` what S3 does. `headers`
    are further headers of the answer, `resource` is the path that was asked for.
    """

    code: str
    status: int
    message: str
    members: Mapping[str, Any]
    shape: Shape | None
    sender: bool
    query_code: str | None = None
    xml_code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    resource: str = ""

    @classmethod
    def of(cls, error: ServiceError, *, status: int, shape: Shape | None = None, resource: str = "") -> "Fault":
        return cls(
            code=error.code,
            status=status,
            message=error.message,
            members=error.members,
            shape=shape,
            sender=status < 500,
            query_code=error.query_code,
            xml_code=error.xml_code,
            headers=error.headers,
            resource=resource,
        )


class WireProtocol(Protocol):
    """One protocol, bound to one service's model. Holds no state but what it compiles."""

    operation_in_body: ClassVar[bool]
    """Whether `operation` needs the body; otherwise it can be asked before the body is read."""
    unstated_error_status: ClassVar[tuple[int, int] | None]
    """Status of a modelled error (sender's, server's) that states none; None: the error class's own."""

    def operation(self, request: Request) -> str:
        """The name of the operation that is asked for; raises UnknownOperationException."""

    def compile(self, model: OperationModel) -> Plan:
        """The plan of one operation."""

    def fail(self, fault: Fault, request_id: str) -> Response:
        """The answer to a request that cannot be served."""


REQUEST_ID_HEADER = "x-amzn-RequestId"


def message_member(shape: Shape | None) -> str:
    """What an error shape calls its message: `Message` or `message`."""
    members = shape.members if isinstance(shape, StructureShape) else {}
    return next((name for name in members if name.lower() == "message"), "message")


def with_headers(response: Response, further: Mapping[str, str]) -> Response:
    """The response with `further` headers, which replace those of the same name."""
    if not further:
        return response
    replaced = {name.lower() for name in further}
    kept = [(name, value) for name, value in response.headers if name.lower() not in replaced]
    return Response(status=response.status, headers=[*kept, *further.items()], body=response.body)
