"""AWS Signature Version 4: who made a request, and that nobody changed it since.

Source: "Signature Version 4 for API requests" in the IAM user guide, and its S3 pages for presigned and chunked ones.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from urllib.parse import parse_qsl

from msgspec import Struct, structs

from stoker.model.clock import Clock
from stoker.model.principal import Principal
from stoker.wire import canonical, chunked, dates, sigv2
from stoker.wire.errors import (
    IncompleteSignatureException,
    InvalidSignatureException,
    MalformedContentHashError,
    MissingAuthenticationTokenException,
    MissingContentHashError,
    PresignedExpiredException,
    SignatureExpiredException,
    UnsignedHeadersError,
)
from stoker.wire.message import Request
from stoker.wire.payload import HashedPayload, Payload, UnsignedPayload
from stoker.wire.s3_paths import bucket_of_host

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = hashlib.sha256().hexdigest()
MAX_SKEW_S = 15 * 60
MAX_PRESIGNED_S = 7 * 24 * 3600
_CACHED = 1024
_LONG_SCOPE = 2048
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)*-[a-z]+-[0-9]{1,2}")
_SERVICE = re.compile(r"[a-z0-9-]{1,64}")
_HEX_SHA256 = re.compile(r"[0-9a-f]{64}")


class CredentialSource(Protocol):
    """Whoever knows the secret keys."""

    def lookup(self, access_key: str, session_token: str | None, now: float) -> tuple[str, Principal]:
        """The secret key of an access key and who it is; raises an AuthenticationError."""

    def note_use(self, principal: Principal, moment: float, service: str, region: str) -> None:
        """A request was verified to be signed by this caller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What a credential is scoped to, and what was signed with it. `date` is YYYYMMDD; `text` all but the key."""

    access_key: str
    text: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]


class Claim(Struct, frozen=True, kw_only=True):
    """A request's signature, with the key it should have been made with: known, in time, but not yet verified."""

    scope: Scope
    signature: str
    amz_date: str
    presigned: bool
    secret: str
    principal: Principal
    is_v2: bool = False
    """Whether it was made by `sigv2`."""


class Verifier:
    """Verifies signatures in two steps: `claim` before the body is read, `verify` with it."""

    def __init__(self, credentials: CredentialSource, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock
        # A client repeats all of its Authorization header but the signature, its keys all day, its second often.
        self._scope = lru_cache(maxsize=_CACHED)(parse_scope)
        self._signing_key = lru_cache(maxsize=_CACHED)(_keyed)
        self._moment = lru_cache(maxsize=_CACHED)(dates.parse)

    def claim(self, request: Request) -> Claim:
        """Who says to have signed; raises an AuthenticationError in AWS's words."""
        authorization = request.headers.get("authorization")
        if authorization is not None:
            return self._claim_of_header(request, authorization)
        if "X-Amz-Algorithm=" in request.query:
            return self._claim_of_query(request)
        if sigv2.is_signed_so(request.query):
            return self._claim_of_v2(request)
        raise MissingAuthenticationTokenException()

    def _claim_of_header(self, request: Request, authorization: str) -> Claim:
        amz_date = request.headers.get("x-amz-date") or dates.of_date_header(request.headers.get("date", ""))
        start, found, signature = authorization.rpartition("Signature=")
        if not amz_date or not found or "," in signature:
            start, signature = _in_order(authorization, has_date=bool(amz_date))
        # An unusually long one is not worth the memory that remembering it takes.
        scope = self._scope(start) if len(start) < _LONG_SCOPE else parse_scope(start)
        now = self._check_time(scope, amz_date, MAX_SKEW_S, SignatureExpiredException)
        secret, principal = self._credentials.lookup(scope.access_key, request.headers.get("x-amz-security-token"), now)
        return Claim(
            scope=scope,
            signature=signature,
            amz_date=amz_date,
            presigned=False,
            secret=secret,
            principal=principal,
        )

    def _claim_of_query(self, request: Request) -> Claim:
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        algorithm = query.get("X-Amz-Algorithm", "")
        if algorithm != ALGORITHM:
            raise IncompleteSignatureException(f"Unsupported AWS 'algorithm': '{algorithm}'")
        missing = [name for name in _PRESIGNED_PARAMETERS if not query.get(name)]
        if missing:
            needs = " ".join(f"AWS query-string parameters must include '{name}'." for name in missing)
            raise IncompleteSignatureException(f"{needs} Re-examine the query-string parameters.")
        scope = _scope_of(query["X-Amz-Credential"], query["X-Amz-SignedHeaders"])
        lifetime_s = _lifetime(query["X-Amz-Expires"])
        now = self._check_time(scope, query["X-Amz-Date"], lifetime_s, PresignedExpiredException)
        secret, principal = self._credentials.lookup(scope.access_key, query.get("X-Amz-Security-Token"), now)
        return Claim(
            scope=scope,
            signature=query["X-Amz-Signature"],
            amz_date=query["X-Amz-Date"],
            presigned=True,
            secret=secret,
            principal=principal,
        )

    def _claim_of_v2(self, request: Request) -> Claim:
        """Only S3 takes such, and only in a query string."""
        query = sigv2.query_of(request)
        now, expires = self._clock.time(), query.get(sigv2.EXPIRES, "")
        if not expires.isdecimal():
            raise PresignedExpiredException("Invalid date (should be seconds since epoch): " + expires)
        if int(expires[:12]) < now:
            raise PresignedExpiredException()
        access_key = query[sigv2.ACCESS_KEY]
        scope = Scope(access_key=access_key, text="", date="", region=sigv2.REGION, service="s3", signed_headers=())
        secret, principal = self._credentials.lookup(access_key, query.get(sigv2.TOKEN), now)
        return Claim(
            scope=scope,
            signature=query[sigv2.SIGNATURE],
            amz_date="",
            presigned=True,
            secret=secret,
            principal=principal,
            is_v2=True,
        )

    def _check_time(
        self, scope: Scope, amz_date: str, lifetime_s: int, expired: type[InvalidSignatureException]
    ) -> float:
        """The present; raises for a request from too far away. `lifetime_s` is how long after its date it is good."""
        now = self._clock.time()
        moment = self._moment(amz_date)
        if not amz_date.startswith(scope.date):
            raise InvalidSignatureException(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                f"'{scope.date}' != '{amz_date[:8]}', from '{amz_date}'."
            )
        if moment < now - lifetime_s:
            raise expired(
                f"Signature expired: {amz_date} is now earlier than {dates.written(now - lifetime_s)} "
                f"({dates.written(now)} - {lifetime_s // 60} min.)"
            )
        if moment > now + MAX_SKEW_S:
            raise SignatureExpiredException(
                f"Signature not yet current: {amz_date} is still later than {dates.written(now + MAX_SKEW_S)} "
                f"({dates.written(now)} + {MAX_SKEW_S // 60} min.)"
            )
        return now

    def verify(self, request: Request, claim: Claim) -> bytes:
        """The body that was signed, without its chunk framing; raises InvalidSignatureException."""
        payload_hash = _payload_hash(request, claim)
        seal = self._verify_head(request, claim, payload_hash)
        if payload_hash.startswith("STREAMING-"):
            return chunked.decode(request.body, request.headers, payload_hash, seal)
        return request.body

    def verify_head(self, request: Request, claim: Claim) -> Payload:
        """Verify a request whose body is yet to come, and what verifies its body; raises InvalidSignatureException."""
        stated = _stated_hash(request, claim)
        if stated is None:
            raise MissingContentHashError()
        if stated not in (UNSIGNED, *chunked.SCHEMES) and _HEX_SHA256.fullmatch(stated) is None:
            raise MalformedContentHashError()
        seal = self._verify_head(request, claim, stated)
        if stated in chunked.SCHEMES:
            if claim.is_v2 and stated != chunked.UNSIGNED_TRAILER:
                raise MalformedContentHashError()
            return chunked.ChunkedPayload(stated, seal, chunked.stated_length(request.headers))
        return UnsignedPayload() if stated == UNSIGNED else HashedPayload(stated)

    def _verify_head(self, request: Request, claim: Claim, payload_hash: str) -> chunked.Seal:
        scope = claim.scope
        if claim.is_v2:
            return _verify_v2(request, claim)
        if claim.presigned or scope.service == "s3":
            _check_signed_headers(request, scope)
        key = self._signing_key(claim.secret, scope.date, scope.region, scope.service)
        signature = sign(key, claim, canonical_request(request, claim, payload_hash))
        if not hmac.compare_digest(signature.encode(), claim.signature.encode()):
            raise InvalidSignatureException()
        self._credentials.note_use(claim.principal, self._clock.time(), scope.service, scope.region)
        return chunked.Seal(key=key, amz_date=claim.amz_date, scope=scope.text, seed=signature)


def _check_signed_headers(request: Request, scope: Scope) -> None:
    """Headers that say what is to be done have to be signed: whoever was handed an address could otherwise have it
    copy, where it was made for writing.
    """
    unsigned = [name for name in request.headers if name.startswith("x-amz-") and name not in scope.signed_headers]
    if unsigned:
        raise UnsignedHeadersError(HeadersNotSigned=", ".join(unsigned))


_PRESIGNED_PARAMETERS = (
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "X-Amz-Date",
    "X-Amz-Expires",
)


def parse_scope(start: str) -> Scope:
    """The Authorization header up to its signature."""
    algorithm, _, rest = start.partition(" ")
    if algorithm != ALGORITHM:
        raise IncompleteSignatureException(f"Unsupported AWS 'algorithm': '{algorithm}'")
    fields = _fields(rest)
    return _scope_of(fields.get("Credential", ""), fields.get("SignedHeaders", ""))


def _fields(text: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in text.split(","))
    return {name: value for name, _, value in pairs if name}


def _in_order(authorization: str, *, has_date: bool) -> tuple[str, str]:
    """For a header whose fields are in another order, or that lacks some: raises with all that AWS would miss."""
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise IncompleteSignatureException(f"Unsupported AWS 'algorithm': '{algorithm}'")
    fields = _fields(rest)
    lacks = [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if not fields.get(name)
    ]
    if not has_date:
        lacks.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if lacks:
        raise IncompleteSignatureException(" ".join([*lacks, f"Authorization={algorithm}"]))
    return (
        f"{algorithm} Credential={fields['Credential']}, SignedHeaders={fields['SignedHeaders']}, ",
        fields["Signature"],
    )


def _scope_of(credential: str, signed_headers: str) -> Scope:
    access_key, *parts = credential.rsplit("/", 4)
    names = tuple(name for name in signed_headers.split(";") if name)
    if len(parts) != 4 or not access_key:
        raise IncompleteSignatureException(
            f"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential}'"
        )
    date, region, service, terminator = parts
    if "host" not in names:
        raise InvalidSignatureException("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    if terminator != "aws4_request":
        raise InvalidSignatureException(
            f"Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'."
        )
    if _REGION.fullmatch(region) is None:
        raise InvalidSignatureException(f"Credential should be scoped to a valid region, not '{region}'.")
    if _SERVICE.fullmatch(service) is None:
        raise InvalidSignatureException("Credential should be scoped to correct service.")
    return Scope(
        access_key=access_key,
        text="/".join(parts),
        date=date,
        region=region,
        service=service,
        signed_headers=names,
    )


def _lifetime(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text[:9]) <= MAX_PRESIGNED_S:
        raise IncompleteSignatureException("X-Amz-Expires must be between 1 and 604800 seconds")
    return int(text)


def _payload_hash(request: Request, claim: Claim) -> str:
    """The last line of the canonical request; raises if it is not that of the body."""
    stated = _stated_hash(request, claim) if claim.presigned else request.headers.get("x-amz-content-sha256")
    if stated is None:
        return hashlib.sha256(request.body).hexdigest() if request.body else EMPTY_SHA256
    if stated == UNSIGNED or stated in chunked.SCHEMES:
        return stated
    if _HEX_SHA256.fullmatch(stated) is None or hashlib.sha256(request.body).hexdigest() != stated:
        raise InvalidSignatureException(
            "The value passed in as x-amz-content-sha256 does not match the hash of the request's body."
        )
    return stated


def _verify_v2(request: Request, claim: Claim) -> chunked.Seal:
    signature = sigv2.sign(claim.secret, request, bucket_of_host(request.host))
    if not hmac.compare_digest(signature.encode(), claim.signature.encode()):
        raise InvalidSignatureException()
    # It signs no chunks; whoever takes a body that says so asks before.
    return structs.replace(chunked.NO_SEAL, seed=signature)


def _stated_hash(request: Request, claim: Claim) -> str | None:
    """What the request says of its body. A presigned one of S3 may say it in the query, and need not say it."""
    stated = request.headers.get("x-amz-content-sha256")
    if stated is None and claim.presigned and claim.scope.service == "s3":
        return dict(parse_qsl(request.query)).get("X-Amz-Content-Sha256", UNSIGNED)
    return stated


def canonical_request(request: Request, claim: Claim, payload_hash: str) -> str:
    """What the client says to have signed, in the one form."""
    scope, headers = claim.scope, request.headers
    lines = [f"{name}:{canonical.header(headers.get(name, ''))}\n" for name in scope.signed_headers]
    return (
        f"{request.method}\n"
        f"{canonical.path(request.path, s3=scope.service == 's3')}\n"
        f"{request.query and canonical.query(request.query, without='X-Amz-Signature' if claim.presigned else '')}\n"
        f"{''.join(lines)}\n"
        f"{';'.join(scope.signed_headers)}\n"
        f"{payload_hash}"
    )


def sign(key: hmac.HMAC, claim: Claim, canonical_form: str) -> str:
    """The signature that the claim should have."""
    # Header values came as Latin-1, byte for byte; this gives back the bytes that were sent.
    digest = hashlib.sha256(canonical_form.encode("latin-1")).hexdigest()
    to_sign = f"{ALGORITHM}\n{claim.amz_date}\n{claim.scope.text}\n{digest}"
    return chunked.digest(key, to_sign.encode("latin-1"))


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key of a secret for one day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _keyed(secret: str, date: str, region: str, service: str) -> hmac.HMAC:
    return hmac.new(signing_key(secret, date, region, service), digestmod="sha256")
