"""Files that browsers send to buckets in forms: whether the form is signed and obeys its policy, and the answer."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from stoker.model.clock import Clock
from stoker.model.errors import ServiceError
from stoker.model.principal import Principal
from stoker.objects.bucket import Bucket
from stoker.objects.errors import AccessDenied, AuthorizationHeaderMalformed, InvalidArgument, MalformedXML
from stoker.objects.post_policy import PostPolicy, parse_policy
from stoker.wire import sigv2
from stoker.wire.errors import InvalidSignatureException
from stoker.wire.message import Call, Request, Response
from stoker.wire.payload import IncomingBody, UnsignedPayload
from stoker.wire.rest_xml import DECLARATION, XML, identification
from stoker.wire.s3_forms import FormReader, MalformedFormError
from stoker.wire.sigv4 import ALGORITHM, CredentialSource, signing_key
from stoker.wire.xml_reading import local_name, parse_document
from stoker.wire.xml_values import element, text

# Fields that are PutObject's headers.
_HEADERS = frozenset(
    {"cache-control", "content-type", "content-disposition", "content-encoding", "content-language", "expires"}
)
_PREFIXES = (
    *("x-amz-meta-", "x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-checksum-", "x-amz-website-"),
    *("x-amz-sdk-checksum-algorithm", "x-amz-object-lock-"),
)
_MAX_FILE_BYTES = 5 * 1024**3
_NO_POLICY = PostPolicy(expires=float("inf"), conditions=())

# S3's PutObject, told as a POST; takes the call and the least and most bytes that the file may have.
Put = Callable[[Call, int, int], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form whose file is yet to come. `principal` is None where nobody has signed it."""

    bucket: Bucket
    key: str
    fields: Mapping[str, str]
    policy: PostPolicy
    principal: Principal | None
    file: IncomingBody

    def as_put(self, request: Request) -> Request:
        """The request that would put the file there."""
        names = [name for name in self.fields if name in _HEADERS or name.startswith(_PREFIXES)]
        headers = {name: self.fields[name] for name in names}
        if "acl" in self.fields:
            headers["x-amz-acl"] = self.fields["acl"]
        if self.fields.get("tagging"):
            headers["x-amz-tagging"] = _tags(self.fields["tagging"])
        return Request(
            method="PUT",
            host=request.host,
            path=f"/{self.bucket.name}/{quote(self.key, safe='/')}",
            query="",
            headers=headers,
            source_ip=request.source_ip,
            scheme=request.scheme,
            stream=self.file,
        )

    def answer(self, members: Mapping[str, Any], request_id: str) -> Response:
        """204, or what the form asks for: a redirection, 200, or 201 with a document."""
        location = f"/{self.bucket.name}/{quote(self.key, safe='/')}"
        headers = [*identification(request_id), ("etag", members["ETag"]), ("location", location)]
        if members.get("VersionId"):
            headers.append(("x-amz-version-id", members["VersionId"]))
        address = self.fields.get("success_action_redirect") or self.fields.get("redirect")
        if address and urlsplit(address).scheme in ("http", "https"):
            told = urlencode({"bucket": self.bucket.name, "key": self.key, "etag": members["ETag"]})
            parts = urlsplit(address)
            query = f"{parts.query}&{told}" if parts.query else told
            headers[-1:] = [("location", urlunsplit(parts._replace(query=query)))]
            return Response(status=303, headers=[*headers, ("content-length", "0")])
        status = {"200": 200, "201": 201}.get(self.fields.get("success_action_status", ""), 204)
        body = b""
        if status == 201:
            told_as = {"Location": location, "Bucket": self.bucket.name, "Key": self.key, "ETag": members["ETag"]}
            content = "".join(element(name, text(value)) for name, value in told_as.items())
            body = (DECLARATION + element("PostResponse", content)).encode()
            headers.append(("content-type", XML))
        if status != 204:
            headers.append(("content-length", str(len(body))))
        return Response(status=status, headers=headers, body=body)


class BucketForms:
    """Opens forms. `put` stores their files."""

    def __init__(self, put: Put, credentials: CredentialSource, clock: Clock) -> None:
        self._put = put
        self._credentials = credentials
        self._clock = clock

    async def open(self, request: Request, bucket: Bucket, body: IncomingBody) -> Form:
        """The form up to its file. Raises what AWS says of one that is not signed well, or not as its policy says."""
        reader = FormReader.of(request.headers["content-type"])
        pieces = body.pieces
        first = b""
        while not reader.in_file:
            try:
                first += reader.feed(await anext(pieces))
            except StopAsyncIteration:
                raise InvalidArgument("POST requires exactly one file upload per request.") from None
        fields = reader.fields
        if not fields.get("key"):
            raise InvalidArgument(
                "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the "
                "fields.",
                ArgumentName="key",
            )
        principal = self._signer(fields, bucket)
        policy = _NO_POLICY if principal is None else parse_policy(fields["policy"])
        key = fields["key"].replace("${filename}", reader.filename)
        if principal is not None:
            policy.check({**fields, "key": key, "bucket": bucket.name}, self._clock.time())
        file = IncomingBody(_rest_of(reader, first, pieces), UnsignedPayload(), None)
        return Form(bucket=bucket, key=key, fields=fields, policy=policy, principal=principal, file=file)

    async def keep(self, call: Call, form: Form) -> Mapping[str, Any]:
        """Store the file, if it is as long as it may be."""
        most = _MAX_FILE_BYTES if form.policy.most is None else min(form.policy.most, _MAX_FILE_BYTES)
        return await self._put(call, form.policy.least, most)

    def _signer(self, fields: Mapping[str, str], bucket: Bucket) -> Principal | None:
        """Who signed the form's policy; None where it has none."""
        if "policy" not in fields:
            return None
        now, token = self._clock.time(), fields.get("x-amz-security-token")
        if "x-amz-signature" in fields:
            access_key, date, region, service, _ = (fields.get("x-amz-credential", "").split("/") + [""] * 5)[:5]
            if fields.get("x-amz-algorithm") != ALGORITHM or not date or service != "s3":
                raise InvalidArgument("Invalid credential in the form.", ArgumentName="X-Amz-Credential")
            if region != bucket.region:
                raise AuthorizationHeaderMalformed(
                    f"The credential in the form is wrong; expecting region '{bucket.region}'", Region=bucket.region
                )
            secret, principal = self._credentials.lookup(access_key, token, now)
            key = signing_key(secret, date, region, service)
            made, sent = hmac.digest(key, fields["policy"].encode(), "sha256").hex(), fields["x-amz-signature"]
        elif sigv2.FORM_KEY in fields:
            secret, principal = self._credentials.lookup(fields[sigv2.FORM_KEY], token, now)
            made, sent = sigv2.encode(secret, fields["policy"].encode()), fields.get("signature", "")
        else:
            raise AccessDenied("Bucket POST must contain a field named 'AWSAccessKeyId'.")
        if not hmac.compare_digest(made.encode(), sent.encode()):
            raise InvalidSignatureException()
        return principal


async def _rest_of(reader: FormReader, first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The file, also what of it came with the fields; raises MalformedFormError for a form that has no end."""
    if first:
        yield first
    async for piece in pieces:
        if found := reader.feed(piece):
            yield found
    if not reader.is_complete:
        raise MalformedFormError()


def _tags(document: str) -> str:
    """A form sends tags as XML where PutObject has them like a query."""
    try:
        root = parse_document(document.encode())
    except ServiceError as error:
        raise MalformedXML() from error
    tags = [{local_name(each): each.text or "" for each in node} for node in root.iter() if local_name(node) == "Tag"]
    return urlencode([(tag.get("Key", ""), tag.get("Value", "")) for tag in tags])
