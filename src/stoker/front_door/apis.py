"""The APIs behind the front door, and which of them a request is for.

A model takes 10 to 60 ms to read and up to 3 MB: it is read when its API is first called. What tells APIs apart is
therefore kept here, and a test holds it against the models.
"""

import asyncio
import gc
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from botocore.loaders import Loader

from stoker.model.errors import NotBuiltError
from stoker.wire import sigv2
from stoker.wire.api import Operation, ServiceApi
from stoker.wire.cbor_rpc import PROTOCOL_HEADER
from stoker.wire.json_rpc import TARGET_HEADER
from stoker.wire.message import Request
from stoker.wire.operations import Method
from stoker.wire.packed_rpc import CONTENT_TYPE

_SIGNED_FOR = re.compile(r"(?:/|%2F)([a-z0-9-]{1,64})(?:/|%2F)aws4_request")
_FORM = "application/x-www-form-urlencoded"
# Whose protocol an unsigned form is answered in: its clients begin by asking it who they are.
_OF_FORMS = "sts"


class Service(Protocol):
    """One AWS API. `name` is botocore's; `operations` says what serves which, by their names in snake case."""

    @property
    def name(self) -> str: ...

    @property
    def operations(self) -> Mapping[str, Method]: ...


@dataclass(frozen=True, kw_only=True)
class Address:
    """How requests for an API are known, where its signing name is not its own name or not its alone.

    With a `header`, only requests that have it are for the API at its path: S3's buckets may be called anything.
    `form_protocol` is what it speaks with clients that send forms, where its model's own is a newer protocol;
    `target_protocol` with those that name the operation in a header of its own, where that is not the model's either;
    `cbor_protocol` with those that send its json protocol in CBOR.
    """

    signing_name: str
    target_prefix: str | None = None
    path_prefix: str | None = None
    header: str | None = None
    form_protocol: str | None = None
    target_protocol: str | None = None
    cbor_protocol: str | None = None


ADDRESSES: Mapping[str, Address] = {
    "apigateway": Address(signing_name="apigateway"),
    "apigatewaymanagementapi": Address(signing_name="execute-api"),
    "apigatewayv2": Address(signing_name="apigateway", path_prefix="/v2/"),
    "cloudwatch": Address(signing_name="monitoring", form_protocol="query", target_protocol="json"),
    "dynamodb": Address(signing_name="dynamodb", target_prefix="DynamoDB_20120810"),
    "dynamodbstreams": Address(signing_name="dynamodb", target_prefix="DynamoDBStreams_20120810"),
    "kinesis": Address(signing_name="kinesis", cbor_protocol="json in cbor"),
    "s3control": Address(signing_name="s3", path_prefix="/v20180820/", header="x-amz-account-id"),
    "sqs": Address(signing_name="sqs", form_protocol="query"),
}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A service with its API."""

    service: Service
    api: ServiceApi

    def method(self, operation: Operation) -> Method:
        method = self.service.operations.get(operation.method)
        if method is None:
            raise NotBuiltError(f"{operation.name} is not there yet in Stoker.")
        return method


class Apis:
    """Finds the endpoint of a request. For the event loop's thread."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._loader = Loader()
        self._services: dict[str, list[Service]] = defaultdict(list)
        for service in services:
            self._services[_address(service).signing_name].append(service)
        # By service and, where that is not its model's, protocol.
        self._endpoints: dict[tuple[str, str | None], Endpoint] = {}
        self._loading: dict[tuple[str, str | None], asyncio.Task[Endpoint]] = {}

    def __repr__(self) -> str:
        return f"<Apis {' '.join(self._services)}>"

    async def load(self, name: str) -> Endpoint:
        """Read a model ahead of its first call. Raises KeyError for a service that is not there."""
        services = {service.name: service for services in self._services.values() for service in services}
        return await self._endpoint(services[name])

    async def find(self, request: Request, signing_name: str) -> Endpoint:
        """The endpoint that a request signed with this name is for; raises NotBuiltError."""
        services = self._services.get(signing_name)
        if not services:
            raise NotBuiltError(f"The service {signing_name} is not there yet in Stoker.")
        service = services[0] if len(services) == 1 else _choose(services, request)
        protocol = _protocol(service, request)
        return self._endpoints.get((service.name, protocol)) or await self._endpoint(service, protocol)

    async def guess(self, request: Request) -> ServiceApi | None:
        """Whose protocol an error is to be told in, as far as an unverified request shows."""
        signed_for = _SIGNED_FOR.search(request.headers.get("authorization") or request.query)
        if signed_for is not None and signed_for[1] in self._services:
            return (await self.find(request, signed_for[1])).api
        if sigv2.is_signed_so(request.query) and "s3" in self._services:
            return (await self.find(request, "s3")).api
        if TARGET_HEADER in request.headers:
            return await self._guess_by_target(request.headers[TARGET_HEADER].partition(".")[0])
        if request.headers.get("content-type", "").startswith(_FORM) and _OF_FORMS in self._services:
            return (await self.find(request, _OF_FORMS)).api
        return None

    async def _guess_by_target(self, prefix: str) -> ServiceApi | None:
        """Unsigned requests only, so that it may look through all."""
        for service in [service for services in self._services.values() for service in services]:
            endpoint = await self._endpoint(service)
            if endpoint.api.target_prefix == prefix:
                return endpoint.api
        return None

    async def _endpoint(self, service: Service, protocol: str | None = None) -> Endpoint:
        key = service.name, protocol
        if key not in self._endpoints:
            task = self._loading.get(key)
            if task is None:
                task = self._loading[key] = asyncio.create_task(self._load(service, protocol))
            await asyncio.shield(task)
        return self._endpoints[key]

    async def _load(self, service: Service, protocol: str | None) -> Endpoint:
        api = await asyncio.to_thread(ServiceApi.load, service.name, self._loader, protocol)
        # A model stays for good: looking through it again and again took the collector 25 ms at a time.
        gc.freeze()
        endpoint = self._endpoints[service.name, protocol] = Endpoint(service=service, api=api)
        return endpoint


def _address(service: Service) -> Address:
    return ADDRESSES.get(service.name) or Address(signing_name=service.name)


def _protocol(service: Service, request: Request) -> str | None:
    """The protocol of a request that is not in that of the model."""
    address = _address(service)
    if address.cbor_protocol is not None:
        return address.cbor_protocol if request.headers.get("content-type") == CONTENT_TYPE else None
    if address.form_protocol is None or PROTOCOL_HEADER in request.headers:
        return None
    return address.target_protocol if TARGET_HEADER in request.headers else address.form_protocol


def _choose(services: Sequence[Service], request: Request) -> Service:
    """Which of those that sign with one name; the one that nothing tells apart is for the rest."""
    target = request.headers.get(TARGET_HEADER, "").partition(".")[0]
    for service in services:
        address = _address(service)
        if address.target_prefix is not None and address.target_prefix == target:
            return service
        is_below = address.path_prefix is not None and request.path.startswith(address.path_prefix)
        if is_below and (address.header is None or address.header in request.headers):
            return service
    return next((each for each in services if _address(each).path_prefix is None), services[0])
