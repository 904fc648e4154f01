"""Who comes to a bucket without signing the request: browsers with preflights and forms, and readers of what is public.

Source: "Testing CORS", "POST Object" and "Blocking public access" in Amazon S3's user guide and API reference.
"""

import asyncio
from collections.abc import Awaitable, Callable

from stoker.front_door.apis import Endpoint
from stoker.front_door.body import Body
from stoker.front_door.bucket_forms import BucketForms
from stoker.front_door.limits import body_limit
from stoker.front_door.public_access import PublicAccess
from stoker.front_door.websites import visit
from stoker.model.principal import Principal
from stoker.objects import cors
from stoker.objects.bucket import Bucket
from stoker.objects.buckets import Buckets
from stoker.objects.errors import AccessDenied, AccessForbidden, BadRequest
from stoker.services.s3.caller_rights import STRANGER
from stoker.wire import chunked
from stoker.wire.api import Operation
from stoker.wire.message import Call, Request, Response
from stoker.wire.operations import result_of
from stoker.wire.payload import HashedPayload, Payload, UnsignedPayload
from stoker.wire.s3_forms import CONTENT_TYPE
from stoker.wire.s3_paths import bucket_and_key, path_style, website_of_host


class BucketVisitors:
    """Answers requests that name a bucket and are not signed."""

    def __init__(
        self,
        buckets: Buckets,
        public: PublicAccess,
        forms: BucketForms,
        *,
        authorise: Callable[[Call], Awaitable[None]],
        account: str,
    ) -> None:
        self._buckets = buckets
        self._public = public
        self._forms = forms
        self._authorise = authorise
        self._account = account

    def __repr__(self) -> str:
        return f"<BucketVisitors of {self._buckets!r}>"

    def takes(self, request: Request) -> bool:
        """Whether a request is such a one."""
        signed = "authorization" in request.headers or "X-Amz-Algorithm=" in request.query
        return not signed and "AWSAccessKeyId=" not in request.query and self._bucket(request) is not None

    def allow_origin(self, request: Request, response: Response) -> None:
        """Add what a page of the request's origin has to be told to see the answer."""
        bucket = self._bucket(request)
        names = {name.lower() for name, _ in response.headers}
        if bucket is not None and "access-control-allow-origin" not in names:
            rules = bucket.settings.get(cors.CORS) or ()
            response.headers.extend(cors.actual(rules, request.headers["origin"], request.method))

    async def answer(self, endpoint: Endpoint, request: Request, body: Body, request_id: str) -> Response:
        """Raises the ServiceError that is to be told in S3's words."""
        bucket = self._bucket(request)
        assert bucket is not None
        if request.method == "OPTIONS":
            return _preflight(bucket, request)
        asked = path_style(request)
        if website_of_host(request.host) is not None:
            return await visit(asked, bucket, lambda wanted: self._read(endpoint, wanted, bucket, body, request_id))
        if request.method == "POST" and request.headers.get("content-type", "").lower().startswith(CONTENT_TYPE):
            return await self._take_form(endpoint, asked, bucket, body, request_id)
        return await self._read(endpoint, asked, bucket, body, request_id)

    async def _read(self, endpoint: Endpoint, asked: Request, bucket: Bucket, body: Body, request_id: str) -> Response:
        """What anybody may do, done."""
        operation, asked = await self._receive(endpoint, asked, body)
        method = endpoint.method(operation)
        call = self._call(operation, operation.parse(asked), bucket, asked, request_id, STRANGER)
        await self._public.check(call)
        result = result_of(await method(call))
        if result.is_large:
            return await asyncio.to_thread(operation.serialise, result, request_id)
        return operation.serialise(result, request_id)

    async def _receive(self, endpoint: Endpoint, request: Request, body: Body) -> tuple[Operation, Request]:
        operation = endpoint.api.operation(request)
        if operation.streams_input:
            return operation, request.with_stream(body.stream(request, _payload(request)))
        limit = body_limit(endpoint.api.name, operation.name)
        return operation, request.with_body(await body.read(limit))

    async def _take_form(
        self, endpoint: Endpoint, request: Request, bucket: Bucket, body: Body, request_id: str
    ) -> Response:
        form = await self._forms.open(request, bucket, body.stream(request, UnsignedPayload()))
        asked = form.as_put(request)
        operation = endpoint.api.operation(asked)
        call = self._call(operation, operation.parse(asked), bucket, asked, request_id, form.principal or STRANGER)
        if form.principal is None:
            await self._public.check(call)
        else:
            await self._authorise(call)
        return form.answer(await self._forms.keep(call, form), request_id)

    def _call(
        self,
        operation: Operation,
        params: dict[str, object],
        bucket: Bucket,
        request: Request,
        request_id: str,
        principal: Principal,
    ) -> Call:
        return Call(
            service="s3",
            operation=operation.name,
            params=params,
            region=bucket.region,
            account=self._account,
            principal=principal,
            request_id=request_id,
            source_ip=request.source_ip,
            is_secure=request.is_secure,
        )

    def _bucket(self, request: Request) -> Bucket | None:
        name, _ = bucket_and_key(path_style(request).path)
        return self._buckets.find(name)


def _preflight(bucket: Bucket, request: Request) -> Response:
    if "origin" not in request.headers:
        raise BadRequest("Insufficient information. Origin request header needed.")
    method = request.headers.get("access-control-request-method")
    if method not in cors.METHODS:
        raise BadRequest(f"Invalid Access-Control-Request-Method: {method or 'null'}")
    if not bucket.settings.get(cors.CORS):
        raise AccessForbidden("CORSResponse: CORS is not enabled for this bucket.", Method=method)
    headers = cors.preflight(bucket.settings[cors.CORS], request.headers)
    if headers is None:
        raise AccessForbidden(Method=method, ResourceType="OBJECT")
    return Response(status=200, headers=[*headers, ("content-length", "0")])


def _payload(request: Request) -> Payload:
    """Nobody has signed it, but it may come in chunks, or say its hash."""
    stated = request.headers.get("x-amz-content-sha256", "")
    if stated == chunked.UNSIGNED_TRAILER:
        return chunked.ChunkedPayload(stated, chunked.NO_SEAL, chunked.stated_length(request.headers))
    if stated in chunked.SCHEMES:
        raise AccessDenied()
    return HashedPayload(stated) if len(stated) == 64 else UnsignedPayload()
