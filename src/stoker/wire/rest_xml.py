"""The rest-xml protocol, as S3 speaks it, and S3 Control: the two APIs here that do."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, ClassVar
from xml.sax.saxutils import quoteattr

from botocore.model import OperationModel, ServiceModel, StructureShape

from stoker.wire.errors import SerializationException
from stoker.wire.message import Request, Response, Result
from stoker.wire.payload import empty_body
from stoker.wire.protocol import Fault, Plan
from stoker.wire.rest import Router, bind_request, bind_response, in_body, segments
from stoker.wire.s3_paths import S3Router, split_path
from stoker.wire.xml_reading import MALFORMED, MalformedXmlError, Reader, XmlReaders, local_name, parse_document
from stoker.wire.xml_values import XmlWriters, element, text

XML = "application/xml"
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
CONTROL_NAMESPACE = "http://awss3control.amazonaws.com/doc/2018-08-20/"
S3 = "s3"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
S3_REQUEST_ID = "x-amz-request-id"
S3_HOST_ID = "x-amz-id-2"
BodyReader = Callable[[Request], dict[str, Any]]
BodyWriter = Callable[[Mapping[str, Any]], tuple[str, bytes | AsyncIterator[bytes]]]
_BODILESS = frozenset({204, 304})

# What S3 calls the errors that every protocol has, and what it says where that differs ("Error responses" in the API
# reference of S3). The texts of others are those of the errors.
_CODES: Mapping[str, tuple[str, int | None, str | None]] = {
    "MissingAuthenticationTokenException": ("AccessDenied", 403, "Access Denied"),
    "IncompleteSignatureException": ("AuthorizationHeaderMalformed", 400, None),
    "InvalidSignatureException": (
        "SignatureDoesNotMatch",
        403,
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
    ),
    "UnrecognizedClientException": (
        "InvalidAccessKeyId",
        403,
        "The AWS Access Key Id you provided does not exist in our records.",
    ),
    "ExpiredTokenException": ("ExpiredToken", 400, "The provided token has expired."),
    "AccessDeniedException": ("AccessDenied", 403, None),
    "ValidationException": ("MalformedXML", 400, MALFORMED),
    "SerializationException": ("MalformedXML", 400, None),
    "UnknownOperationException": (
        "MethodNotAllowed",
        405,
        "The specified method is not allowed against this resource.",
    ),
    "RequestEntityTooLargeException": ("MaxMessageLengthExceeded", 400, "Your request was too big."),
    "InternalFailure": ("InternalError", 500, None),
}
# The roots of answers: they are not in botocore's models, and clients in other languages look at them.
_ROOTS: Mapping[str, str] = {
    "ListBuckets": "ListAllMyBucketsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListParts": "ListPartsResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAcl": "AccessControlPolicy",
    "GetObjectAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetObjectTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetObjectAttributes": "GetObjectAttributesResponse",
}
# Whose root is its only member itself.
_UNWRAPPED = frozenset({"GetBucketLocation"})


class RestXml:
    """rest-xml, for one service."""

    operation_in_body: ClassVar[bool] = False
    unstated_error_status: ClassVar[tuple[int, int] | None] = None

    def __init__(self, model: ServiceModel) -> None:
        # S3's keys are paths with every slash of theirs; elsewhere paths are as in any REST API.
        self._is_s3 = model.service_name == S3
        self._find = S3Router(model).find if self._is_s3 else partial(_find, Router(model))
        self._split = split_path if self._is_s3 else segments
        self._namespace = NAMESPACE if self._is_s3 else CONTROL_NAMESPACE
        self._readers = XmlReaders()
        self._writers = XmlWriters("iso8601_ms")

    def operation(self, request: Request) -> str:
        return self._find(request)

    def compile(self, model: OperationModel) -> Plan:
        http = model.http
        bound = bind_request(model.input_shape, http["requestUri"], self._split).read
        return Plan(
            parse=partial(_parse, bound, self._body_reader(model)),
            serialise=partial(
                _serialise,
                http.get("responseCode", 200),
                bind_response(model.output_shape).write,
                self._body_writer(model),
            ),
            streams_input=model.has_streaming_input,
        )

    def _body_reader(self, model: OperationModel) -> BodyReader | None:
        shape = model.input_shape
        if shape is None:
            return None
        payload = shape.serialization.get("payload")
        if payload is None:
            names = in_body(shape)
            root = shape.serialization.get("name", shape.name)
            return partial(_read_members, root, self._readers.structure(shape, names)) if names else None
        member = shape.members[payload]
        if model.has_streaming_input:
            return lambda request: {payload: request.stream or empty_body()}
        if isinstance(member, StructureShape):
            root = member.serialization.get("name", payload)
            return partial(_read_document, payload, root, self._readers.structure(member))
        return partial(_read_raw, payload, member.type_name == "string")

    def _body_writer(self, model: OperationModel) -> BodyWriter:
        shape = model.output_shape
        if shape is None:
            return _write_nothing
        payload = shape.serialization.get("payload")
        if payload is not None:
            member = shape.members[payload]
            if isinstance(member, StructureShape):
                root = member.serialization.get("name", payload)
                return partial(_write_payload, payload, partial(self._writers.value(member), root))
            return partial(_write_raw, payload, member.type_name == "string")
        names = in_body(shape)
        if not names:
            return _write_nothing
        root = _ROOTS.get(model.name, shape.name)
        if model.name in _UNWRAPPED:
            (only,) = names
            return lambda members: _document(element(root, text(str(members.get(only) or "")), NAMESPACE))
        return partial(_write_members, root, self._namespace, names, self._writers.members(shape))

    def fail(self, fault: Fault, request_id: str) -> Response:
        code, status, message = _CODES.get(fault.code, (fault.code, None, None))
        if fault.xml_code is not None:
            code, message = fault.xml_code, None
        content = element("Code", text(code)) + element("Message", text(message or fault.message))
        for name, value in fault.members.items():
            content += element(name, text(str(value)))
        if fault.resource and "Resource" not in fault.members:
            content += element("Resource", text(fault.resource))
        content += element("RequestId", request_id) + element("HostId", host_id(request_id))
        headers = [*identification(request_id), *fault.headers.items()]
        status = status if status is not None and fault.xml_code is None else fault.status
        if status in _BODILESS:
            return Response(status=status, headers=headers)
        document = element("Error", content)
        body = (DECLARATION + (document if self._is_s3 else element("ErrorResponse", document))).encode()
        headers += [("content-type", XML), ("content-length", str(len(body)))]
        return Response(status=status, headers=headers, body=body)


def _find(router: Router, request: Request) -> str:
    return router.find(request.method, request.path, request.query)


def host_id(request_id: str) -> str:
    """The second name of a request. There is one host here, and nothing to hide."""
    return f"{request_id}.stoker"


def identification(request_id: str) -> list[tuple[str, str]]:
    return [(S3_REQUEST_ID, request_id), (S3_HOST_ID, host_id(request_id))]


def _parse(bound: Callable[[Request], dict[str, Any]], read: BodyReader | None, request: Request) -> dict[str, Any]:
    params = bound(request)
    if read is not None:
        params.update(read(request))
    return params


def _read_document(payload: str, root: str, read: Reader, request: Request) -> dict[str, Any]:
    return {payload: _read_root(root, read, request)} if request.body.strip() else {}


def _read_members(root: str, read: Reader, request: Request) -> dict[str, Any]:
    members: dict[str, Any] = _read_root(root, read, request) if request.body.strip() else {}
    return members


def _read_root(root: str, read: Reader, request: Request) -> Any:
    document = parse_document(request.body)
    if local_name(document) != root:
        raise MalformedXmlError()
    try:
        return read(document)
    except SerializationException as error:
        raise MalformedXmlError() from error


def _read_raw(payload: str, is_text: bool, request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    return {payload: request.body.decode(errors="replace") if is_text else request.body}


def _serialise(
    status: int,
    bound: Callable[[Mapping[str, Any], list[tuple[str, str]]], int | None],
    write: BodyWriter,
    result: Result,
    request_id: str,
) -> Response:
    headers = identification(request_id)
    stated = bound(result.members, headers)
    status = result.status or stated or status
    if status in _BODILESS:
        return Response(status=status, headers=[each for each in headers if each[0].lower() != "content-length"])
    content_type, body = write(result.members)
    named = {name.lower() for name, _ in headers}
    if content_type and "content-type" not in named:
        headers.append(("content-type", content_type))
    if isinstance(body, bytes) and "content-length" not in named:
        headers.append(("content-length", str(len(body))))
    return Response(status=status, headers=headers, body=body)


def _document(content: str) -> tuple[str, bytes]:
    return XML, (DECLARATION + content).encode()


def _write_nothing(_members: Mapping[str, Any]) -> tuple[str, bytes]:
    return "", b""


def _write_members(
    root: str,
    namespace: str,
    names: frozenset[str],
    write: Callable[[Mapping[str, Any]], str],
    members: Mapping[str, Any],
) -> tuple[str, bytes]:
    content = write({name: value for name, value in members.items() if name in names})
    return _document(f"<{root} xmlns={quoteattr(namespace)}>{content}</{root}>")


def _write_payload(name: str, write: Callable[[Any], str], members: Mapping[str, Any]) -> tuple[str, bytes]:
    value = members.get(name)
    return ("", b"") if value is None else _document(write(value))


def _write_raw(name: str, is_text: bool, members: Mapping[str, Any]) -> tuple[str, bytes | AsyncIterator[bytes]]:
    value = members.get(name)
    if value is None:
        return "", b""
    if isinstance(value, str):
        value = value.encode()
    return "application/json" if is_text else "", value
