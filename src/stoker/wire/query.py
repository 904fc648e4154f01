"""The query protocol: STS, IAM, CloudFormation. Requests are forms, answers XML."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from stoker.wire.errors import SerializationException, UnknownOperationException
from stoker.wire.json_values import decode_base64
from stoker.wire.message import Request, Response, Result
from stoker.wire.protocol import REQUEST_ID_HEADER, Fault, Plan
from stoker.wire.rest import text_reader
from stoker.wire.xml_values import XmlWriters, element, text

# A megabyte of metrics, which is the most that anybody may send in a form, is so many.
_MAX_FIELDS = 40_000
_CODES = {
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "IncompleteSignatureException": "IncompleteSignature",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "ExpiredTokenException": "ExpiredToken",
    "AccessDeniedException": "AccessDenied",
    "ValidationException": "ValidationError",
    "UnknownOperationException": "InvalidAction",
    "SerializationException": "MalformedInput",
}
"""What the query services call the errors that every protocol has (IAM's and STS's lists of common errors)."""


class Query:
    """query, for one service: the form's Action names the operation."""

    operation_in_body: ClassVar[bool] = True
    unstated_error_status: ClassVar[tuple[int, int] | None] = None

    def __init__(self, model: ServiceModel) -> None:
        self._operations = frozenset(model.operation_names)
        self._version = model.api_version
        self._namespace = model.metadata.get("xmlNamespace", "")
        self._path_member: str | None = model.metadata.get("pathMember")
        self._writers = XmlWriters()

    def operation(self, request: Request) -> str:
        form = _form(request)
        name = form.get("Action")
        if name is None:
            raise UnknownOperationException("Missing Action")
        if name not in self._operations or form.get("Version", self._version) != self._version:
            version = form.get("Version", self._version)
            raise UnknownOperationException(f"Could not find operation {name} for version {version}")
        return name

    def compile(self, model: OperationModel) -> Plan:
        write = self._writers.value(model.output_shape) if model.output_shape is not None else None
        wrapper = model.output_shape.serialization.get("resultWrapper") if model.output_shape is not None else None
        return Plan(
            parse=partial(_parse, model.input_shape, self._path_member),
            serialise=partial(self._serialise, model.name, wrapper or f"{model.name}Result", write),
        )

    def _serialise(
        self, name: str, wrapper: str, write: Callable[[str, Any], str] | None, result: Result, request_id: str
    ) -> Response:
        content = write(wrapper, result.members) if write is not None else ""
        metadata = element("ResponseMetadata", element("RequestId", request_id))
        document = element(f"{name}Response", content + metadata, self._namespace)
        return _answer(result.status or 200, document, request_id)

    def fail(self, fault: Fault, request_id: str) -> Response:
        error = element(
            "Error",
            element("Type", "Sender" if fault.sender else "Receiver")
            + element("Code", text(_code(fault)))
            + element("Message", text(fault.message)),
        )
        document = element("ErrorResponse", error + element("RequestId", request_id), self._namespace)
        return _answer(fault.status, document, request_id)


def query_error(fault: Fault) -> str:
    """The header x-amzn-query-error: clients go on to tell errors by the codes they had before an API left forms."""
    return f"{_code(fault)};{'Sender' if fault.sender else 'Receiver'}"


def _code(fault: Fault) -> str:
    stated = fault.shape.metadata.get("error", {}).get("code") if fault.shape is not None else None
    if fault.code == "ExpiredTokenException":
        # STS's model has a shape of this name for tokens that are traded in; the one of a request has another.
        stated = None
    return stated or fault.query_code or _CODES.get(fault.code, fault.code)


def _answer(status: int, document: str, request_id: str) -> Response:
    body = document.encode()
    headers = [
        (REQUEST_ID_HEADER, request_id),
        ("content-type", "text/xml"),
        ("content-length", str(len(body))),
    ]
    return Response(status=status, headers=headers, body=body)


def _form(request: Request) -> dict[str, str]:
    """The form, from the query string of a GET and from the body of a POST."""
    try:
        fields = parse_qsl(request.query, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
        fields += parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise SerializationException("The form cannot be read") from error
    return dict(fields)


class _Tree(dict[str, "_Tree"]):
    """The form's dotted names as a tree; a node may have a value as well."""

    text: str | None = None


def _parse(shape: StructureShape | None, path_member: str | None, request: Request) -> dict[str, Any]:
    if shape is None:
        return {}
    root = _Tree()
    if path_member in shape.members and request.path != "/":
        # The address that a form is sent to says the same as this member, which older clients leave out.
        root[path_member] = _Tree()
        root[path_member].text = request.path
    for name, value in _form(request).items():
        node = root
        for part in name.split("."):
            node = node.setdefault(part, _Tree())
        node.text = value
    return _read_structure(shape, root)


def _read(shape: Shape, node: _Tree) -> Any:
    if isinstance(shape, StructureShape):
        return _read_structure(shape, node)
    if isinstance(shape, ListShape):
        return _read_list(shape, node)
    if isinstance(shape, MapShape):
        return _read_map(shape, node)
    value = node.text or ""
    return decode_base64(value) if shape.type_name == "blob" else text_reader(shape)(value)


def _read_structure(shape: StructureShape, node: _Tree) -> dict[str, Any]:
    params = {}
    for name, member in shape.members.items():
        sent_as = member.serialization.get("name", name)
        if isinstance(member, ListShape) and member.serialization.get("flattened"):
            sent_as = member.member.serialization.get("name", sent_as)
        child = node.get(sent_as)
        if child is not None:
            params[name] = _read(member, child)
    return params


def _read_list(shape: ListShape, node: _Tree) -> list[Any]:
    if not shape.serialization.get("flattened"):
        node = node.get(shape.member.serialization.get("name", "member"), _Tree())
    return [_read(shape.member, child) for child in _in_order(node)]


def _read_map(shape: MapShape, node: _Tree) -> dict[str, Any]:
    if not shape.serialization.get("flattened"):
        node = node.get("entry", _Tree())
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    return {
        child[key_name].text or "": _read(shape.value, child.get(value_name, _Tree()))
        for child in _in_order(node)
        if key_name in child
    }


def _in_order(node: Mapping[str, _Tree]) -> list[_Tree]:
    """The elements of a list by their numbers, which need not be without gaps."""
    numbered = [(int(index), child) for index, child in node.items() if index.isdecimal() and len(index) < 10]
    return [child for _, child in sorted(numbered, key=lambda pair: pair[0])]
