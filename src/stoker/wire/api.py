"""One AWS service's API: its model bound to its protocol, operations compiled when they are first called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from stoker.model.errors import ServiceError
from stoker.wire.cbor_rpc import CborRpc
from stoker.wire.constraints import ConstraintCompiler
from stoker.wire.errors import AuthenticationError, InternalFailure, SerializationException
from stoker.wire.json_rpc import JsonRpc
from stoker.wire.message import Request, Response, Result
from stoker.wire.packed_rpc import CBOR
from stoker.wire.protocol import Fault, WireProtocol, with_headers
from stoker.wire.query import Query
from stoker.wire.query_names import with_query_names
from stoker.wire.redaction import redact
from stoker.wire.rest_json import RestJson
from stoker.wire.rest_xml import RestXml

PROTOCOLS: Mapping[str, Callable[[ServiceModel], WireProtocol]] = {
    "json": JsonRpc,
    "json in cbor": partial(JsonRpc, codec=CBOR),
    "query": Query,
    "rest-json": RestJson,
    "rest-xml": RestXml,
    "smithy-rpc-v2-cbor": CborRpc,
}
"""By the name in a model's metadata; one is in none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One operation of a service, compiled. `method` is the name of the service's method."""

    name: str
    method: str
    _parse: Callable[[Request], dict[str, Any]]
    _validate: Callable[[dict[str, Any]], None] | None
    _serialise: Callable[[Result, str], Response]
    _input: Shape | None = None
    streams_input: bool = False
    """Whether the service reads the body itself, while it comes."""

    def parse(self, request: Request) -> dict[str, Any]:
        """The parameters, checked; raises the ServiceError that AWS would answer."""
        try:
            params = self._parse(request)
            if self._validate is not None:
                self._validate(params)
        except RecursionError as error:
            # Of the models' shapes some hold themselves: a document in DynamoDB can be nested without end.
            raise SerializationException("The document is nested too deeply") from error
        return params

    def serialise(self, result: Result, request_id: str) -> Response:
        return with_headers(self._serialise(result, request_id), result.headers)

    def shown(self, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The parameters as they may be written down: without secrets and data."""
        shown: Mapping[str, Any] | None = redact(self._input, params)
        return shown


class ServiceApi:
    """What a service's clients speak: requests to operations, results and errors to answers."""

    def __init__(
        self,
        model: ServiceModel,
        faults: frozenset[str] = frozenset(),
        protocol: str | None = None,
        *,
        takes_packed: bool = False,
    ) -> None:
        """`faults` are the names of the error shapes that are the server's fault; `protocol` replaces the model's.

        `takes_packed`: its clients may compress bodies (Content-Encoding: gzip).
        """
        self.takes_packed = takes_packed
        self.name = model.service_name
        self.signing_name = model.signing_name
        self.target_prefix: str | None = model.metadata.get("targetPrefix")
        self._model = model
        self._faults = faults
        self._protocol = PROTOCOLS[protocol or model.metadata["protocol"]](model)
        self._constraints = ConstraintCompiler()
        self._operations: dict[str, Operation] = {}
        self._error_shapes = {_error_code(shape): shape for shape in model.error_shapes} | {
            shape.name: shape for shape in model.error_shapes
        }

    def __repr__(self) -> str:
        return f"<ServiceApi {self.name}: {len(self._operations)} of {len(self._model.operation_names)} compiled>"

    @classmethod
    def load(cls, name: str, loader: Loader, protocol: str | None = None) -> "ServiceApi":
        """The API of a service by botocore's name for it; in another protocol than its model's if one is given."""
        document = _without_documentation(loader.load_service_model(name, "service-2"))
        if protocol == "query":
            document = with_query_names(name, document)
        faults = frozenset(shape for shape, body in document["shapes"].items() if body.get("fault"))
        packed = any("requestcompression" in operation for operation in document["operations"].values())
        return cls(ServiceModel(document, service_name=name), faults, protocol, takes_packed=packed)

    @property
    def operation_in_body(self) -> bool:
        return self._protocol.operation_in_body

    def operation(self, request: Request) -> Operation:
        """The operation that a request asks for; raises UnknownOperationException."""
        name = self._protocol.operation(request)
        return self._operations.get(name) or self._compile(name)

    def _compile(self, name: str) -> Operation:
        model = self._model.operation_model(name)
        plan = self._protocol.compile(model)
        operation = self._operations[name] = Operation(
            name=name,
            method=xform_name(name),
            _parse=plan.parse,
            _validate=self._constraints.compile_input(model.input_shape),
            _serialise=plan.serialise,
            _input=model.input_shape,
            streams_input=plan.streams_input,
        )
        return operation

    def fail(self, error: ServiceError, request_id: str, resource: str = "") -> Response:
        """The answer for an error. The model's HTTP status wins over the class's, where the model has the shape."""
        shape = self._error_shapes.get(error.code)
        fault = Fault.of(error, status=self._status(error, shape), shape=shape, resource=resource)
        return self._protocol.fail(fault, request_id)

    def fail_internally(self, request_id: str, message: str | None = None) -> Response:
        """The answer for a fault of ours, which says nothing of it unless there is something to be known."""
        modelled = "ServiceException" in self._error_shapes
        error = ServiceError(message or InternalFailure().message) if modelled else InternalFailure(message)
        return self.fail(error, request_id)

    def _status(self, error: ServiceError, shape: Shape | None) -> int:
        if shape is None or isinstance(error, AuthenticationError):
            return error.status
        stated: int | None = shape.metadata.get("error", {}).get("httpStatusCode")
        if stated is not None:
            return stated
        unstated = self._protocol.unstated_error_status
        if unstated is None:
            return error.status
        return unstated[1] if shape.name in self._faults else unstated[0]


def _error_code(shape: Shape) -> str:
    code: str = shape.metadata.get("error", {}).get("code", shape.name)
    return code


def _without_documentation(value: Any) -> Any:
    """The model without its prose, which is most of its memory."""
    if isinstance(value, dict):
        return {key: _without_documentation(item) for key, item in value.items() if key != "documentation"}
    return value
