"""AWS's APIs as their clients speak them, from botocore's models: parameters to a request, an answer to values."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.eventstream import EventStreamBuffer
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import EventStreamJSONParser, ResponseParserFactory
from botocore.serialize import create_serializer


class ApiError(Exception):
    """An API refused a call: its error's code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status

    @property
    def refused(self) -> bool:
        """Whether a policy is the reason."""
        return self.status == 403 or "AccessDenied" in self.code


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of one service. What it does takes CPU time: for threads."""

    service: ServiceModel
    model: OperationModel
    protocol: str

    def request(self, params: Mapping[str, Any], endpoint: str) -> Any:
        """The request, yet to be signed (an AWSRequest)."""
        made = create_serializer(self.protocol).serialize_to_request(dict(params), self.model)
        prepare_request_dict(made, endpoint_url=endpoint, user_agent="stoker-console")
        return create_request_object(made)

    def result(self, status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """The members of an answer; raises ApiError. A streamed blob is bytes."""
        fine = status < 300
        raw: Any = io.BytesIO(body) if fine and self.model.has_streaming_output else body
        parser = ResponseParserFactory().create_parser(self.protocol)
        answer = {"status_code": status, "headers": HeadersDict(headers), "body": raw}
        shape: Any = self.model.output_shape
        parsed: dict[str, Any] = parser.parse(answer, shape)
        if not fine:
            error = parsed.get("Error", {})
            raise ApiError(str(error.get("Code", status)), str(error.get("Message", "")), status)
        return {name: each.read() if each is raw else each for name, each in parsed.items()}


class EventReader:
    """Reads the events of a streamed answer, piece by piece."""

    def __init__(self, operation: Operation) -> None:
        self._buffer = EventStreamBuffer()
        self._parser = EventStreamJSONParser()
        self._shape: Any = operation.model.get_event_stream_output()

    def events(self, piece: bytes) -> list[dict[str, Any]]:
        """The events that are whole by now: `{name: members}`. Raises ApiError for an exception among them."""
        self._buffer.add_data(piece)
        found = []
        for message in self._buffer:
            answer = message.to_response_dict()
            if answer["headers"].get(":event-type") == "initial-response":
                continue
            parsed = self._parser.parse(answer, self._shape)
            if answer["status_code"] != 200:
                error = parsed.get("Error", {})
                raise ApiError(str(error.get("Code", "")), str(error.get("Message", "")), answer["status_code"])
            found.append(parsed)
        return found


class Models:
    """Reads each service's model when it is first spoken to (10 to 60 ms): for threads."""

    def __init__(self) -> None:
        self._loader = Loader()
        self._service = lru_cache(maxsize=None)(self._read)

    def operation(self, service: str, name: str) -> Operation:
        model = self._service(service)
        return Operation(service=model, model=model.operation_model(name), protocol=model.metadata["protocol"])

    def _read(self, service: str) -> ServiceModel:
        return ServiceModel(self._loader.load_service_model(service, "service-2"), service_name=service)
