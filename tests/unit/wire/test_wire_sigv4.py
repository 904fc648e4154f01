"""Signatures, held against botocore's own signing."""

import string
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

import botocore.auth
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.clock import FakeClock
from stoker.wire.credentials import Credentials
from stoker.wire.errors import (
    AuthenticationError,
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)
from stoker.wire.message import Request
from stoker.wire.sigv4 import Verifier

NOW = 1_700_000_000.0
KEYS = Credentials(account="000000000000", access_key="AKIAEXAMPLE", secret_key="s/ecr+et", platform_key=b"p" * 32)
HOST = "127.0.0.1:4566"


@pytest.fixture(autouse=True)
def signing_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_still(monkeypatch, NOW)


def stand_still(monkeypatch: pytest.MonkeyPatch, moment: float) -> None:
    """botocore reads the time itself: give it ours."""
    at = datetime.fromtimestamp(moment, UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: at.replace(tzinfo=None))


def signed(
    *,
    method: str = "POST",
    url: str = f"http://{HOST}/2015-03-31/functions/hello/invocations",
    body: bytes = b"{}",
    headers: Mapping[str, str] | None = None,
    auth: type[SigV4Auth] = SigV4Auth,
    service: str = "lambda",
    secret: str = "s/ecr+et",
    access_key: str = "AKIAEXAMPLE",
    token: str | None = None,
    **options: Any,
) -> Request:
    aws = AWSRequest(method=method, url=url, data=body, headers=dict(headers or {}))
    aws.context["client_config"] = SimpleNamespace(s3=None)
    auth(BotoCredentials(access_key, secret, token), service, "us-east-1", **options).add_auth(aws)
    prepared = aws.prepare()
    parts = urlsplit(prepared.url)
    sent = {name.lower(): text(value) for name, value in prepared.headers.items()} | {"host": parts.netloc}
    return Request(method=method, host=parts.netloc, path=parts.path or "/", query=parts.query, headers=sent, body=body)


def text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def verify(request: Request, now: float = NOW) -> bytes:
    verifier = Verifier(KEYS, FakeClock(now))
    return verifier.verify(request, verifier.claim(request))


def test_a_request_signed_by_botocore_is_accepted_and_named() -> None:
    verifier = Verifier(KEYS, FakeClock(NOW))
    request = signed()
    claim = verifier.claim(request)
    assert verifier.verify(request, claim) == b"{}"
    assert claim.principal.arn == "arn:aws:iam::000000000000:root"
    assert (claim.scope.service, claim.scope.region) == ("lambda", "us-east-1")


def test_a_wrong_secret_is_refused_in_aws_words() -> None:
    with pytest.raises(InvalidSignatureException) as refused:
        verify(signed(secret="other"))
    assert refused.value.status == 403
    assert refused.value.message == (
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details."
    )


def test_an_unknown_access_key_is_refused() -> None:
    with pytest.raises(UnrecognizedClientException, match=r"^The security token included in the request is invalid\.$"):
        verify(signed(access_key="AKIAOTHER"))


@pytest.mark.parametrize("change", ["body", "path", "query", "method", "header"])
def test_nobody_changes_a_signed_request(change: str) -> None:
    request = signed(headers={"X-Amz-Invocation-Type": "DryRun"})
    values = {name: getattr(request, name) for name in ("method", "host", "path", "query", "headers", "body")}
    values[change] = {"body": b"[]", "path": "/other", "query": "Qualifier=1", "method": "PUT"}.get(change)
    if change == "header":
        values.pop("header")
        values["headers"] = {**request.headers, "x-amz-invocation-type": "Event"}
    with pytest.raises(InvalidSignatureException):
        verify(Request(**values))


def test_a_request_without_a_signature_misses_its_token() -> None:
    bare = Request(method="GET", host=HOST, path="/", query="", headers={"host": HOST})
    with pytest.raises(MissingAuthenticationTokenException, match=r"^Missing Authentication Token$"):
        verify(bare)


@pytest.mark.parametrize(("late_s", "accepted"), [(899, True), (901, False), (-899, True), (-901, False)])
def test_a_clock_may_be_fifteen_minutes_off(late_s: int, accepted: bool) -> None:
    request = signed()
    if accepted:
        assert verify(request, NOW + late_s) == b"{}"
        return
    with pytest.raises(InvalidSignatureException, match=r"Signature (expired|not yet current)"):
        verify(request, NOW + late_s)


def test_an_expired_signature_says_by_how_much() -> None:
    with pytest.raises(InvalidSignatureException) as refused:
        verify(signed(), NOW + 1000)
    assert refused.value.message == (
        "Signature expired: 20231114T221320Z is now earlier than 20231114T221500Z (20231114T223000Z - 15 min.)"
    )


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        ("AWS4-HMAC-SHA256 Credential=a/b", "requires 'Signature' parameter"),
        ("AWS4-HMAC-SHA256 Credential=AKIA/20231114/us-east-1/lambda, SignedHeaders=host, Signature=a", "5 slash"),
        ("Bearer xyz", "Unsupported AWS 'algorithm': 'Bearer'"),
        ("AWS4-ECDSA-P256-SHA256 Credential=a, SignedHeaders=host, Signature=a", "Unsupported AWS 'algorithm'"),
        ("", "Unsupported AWS 'algorithm'"),
    ],
)
def test_a_broken_authorization_header_is_told_what_it_lacks(authorization: str, said: str) -> None:
    headers = {"host": HOST, "authorization": authorization, "x-amz-date": "20231114T221320Z"}
    with pytest.raises(IncompleteSignatureException, match=said):
        verify(Request(method="GET", host=HOST, path="/", query="", headers=headers))


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("20231114/us-east-1/lambda/aws5", "valid terminator"),
        ("20231114/nowhere/lambda/aws4_request", "valid region, not 'nowhere'"),
        ("20231113/us-east-1/lambda/aws4_request", "'20231113' != '20231114'"),
    ],
)
def test_a_wrong_scope_is_refused(scope: str, said: str) -> None:
    authorization = f"AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/{scope}, SignedHeaders=host;x-amz-date, Signature=ab"
    headers = {"host": HOST, "authorization": authorization, "x-amz-date": "20231114T221320Z"}
    with pytest.raises(InvalidSignatureException, match=said):
        verify(Request(method="GET", host=HOST, path="/", query="", headers=headers))


def test_the_host_must_be_signed() -> None:
    request = signed()
    start, _, rest = request.headers["authorization"].partition("SignedHeaders=")
    headers = {**request.headers, "authorization": f"{start}SignedHeaders={rest.replace('host;', '')}"}
    with pytest.raises(InvalidSignatureException, match="Host"):
        verify(Request(method="POST", host=HOST, path=request.path, query="", headers=headers, body=b"{}"))


def test_a_stated_body_hash_must_be_the_body_s() -> None:
    request = signed(auth=S3SigV4Auth, service="s3", url=f"http://{HOST}/bucket/key", method="PUT", body=b"data")
    assert verify(request) == b"data"
    with pytest.raises(InvalidSignatureException, match="x-amz-content-sha256"):
        verify(request.with_body(b"atad"))


def test_an_unsigned_payload_may_be_anything_its_sender_states() -> None:
    request = signed(headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert verify(request.with_body(b"whatever")) == b"whatever"


@pytest.mark.parametrize(("auth", "service"), [(SigV4QueryAuth, "lambda"), (S3SigV4QueryAuth, "s3")])
def test_a_presigned_url_is_good_until_it_expires(auth: type[SigV4Auth], service: str) -> None:
    url = f"http://{HOST}/bucket/a%20key%2Bplus?versionId=3"
    request = signed(method="GET", url=url, body=b"", auth=auth, service=service, expires=60)
    assert verify(request, NOW + 59) == b""
    with pytest.raises(InvalidSignatureException, match="Signature expired"):
        verify(request, NOW + 61)


@pytest.mark.parametrize("cut", ["X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature"])
def test_a_presigned_url_that_lacks_a_part_is_told_so(cut: str) -> None:
    request = signed(method="GET", body=b"", auth=SigV4QueryAuth, expires=60)
    kept = "&".join(part for part in request.query.split("&") if not part.startswith(f"{cut}="))
    with pytest.raises(IncompleteSignatureException, match=cut):
        verify(Request(method="GET", host=HOST, path=request.path, query=kept, headers=request.headers))


@pytest.mark.parametrize("expires", [0, 604_801])
def test_a_presigned_url_lives_a_week_at_most(expires: int) -> None:
    request = signed(method="GET", body=b"", auth=SigV4QueryAuth, expires=expires)
    with pytest.raises(AuthenticationError, match="604800"):
        verify(request)


@pytest.mark.parametrize(
    "header", ["x-amz-copy-source", "x-amz-acl", "x-amz-tagging", "x-amz-security-token", "x-amz-target"]
)
def test_headers_that_change_what_is_done_have_to_be_signed(header: str) -> None:
    """Who was given an address to write to would otherwise have it copy what its maker may read."""
    where = {"url": f"http://{HOST}/mine/key", "method": "PUT", "body": b"", "service": "s3"}
    for request in (signed(auth=S3SigV4QueryAuth, expires=60, **where), signed(auth=S3SigV4Auth, **where)):
        assert verify(request) == b""
        added = Request(
            method="PUT",
            host=HOST,
            path=request.path,
            query=request.query,
            headers={**request.headers, header: "secret/key"},
        )
        with pytest.raises(AuthenticationError):
            verify(added)


def test_a_query_that_only_looks_presigned_is_refused() -> None:
    request = Request(method="GET", host=HOST, path="/", query="notX-Amz-Algorithm=1", headers={"host": HOST})
    with pytest.raises(IncompleteSignatureException, match="Unsupported AWS 'algorithm'"):
        verify(request)


def test_session_credentials_sign_as_their_role() -> None:
    session = KEYS.mint("arn:aws:iam::000000000000:role/worker", "hello", 3600, now=NOW)
    request = signed(access_key=session.access_key, secret=session.secret_key, token=session.session_token)
    verifier = Verifier(KEYS, FakeClock(NOW))
    claim = verifier.claim(request)
    assert verifier.verify(request, claim) == b"{}"
    assert claim.principal.arn == "arn:aws:sts::000000000000:assumed-role/worker/hello"


def test_a_date_header_serves_where_there_is_no_x_amz_date() -> None:
    day = datetime.fromtimestamp(NOW, UTC)
    request = signed(headers={"Date": day.strftime("%a, %d %b %Y %H:%M:%S GMT")})
    assert "x-amz-date" not in request.headers
    assert verify(request) == b"{}"


@pytest.mark.parametrize(
    "date", ["x", "Mon, 01 Jan 2024 00:00:00 +99999999999999999", "Fri, 31 Dec 9999 23:59:59 -2359"]
)
def test_a_date_that_is_none_is_refused(date: str) -> None:
    request = signed(headers={"Date": datetime.fromtimestamp(NOW, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")})
    headers = {**request.headers, "date": date}
    with pytest.raises(IncompleteSignatureException, match="Date must be in RFC 822"):
        verify(Request(method=request.method, host=HOST, path=request.path, query=request.query, headers=headers))


SEGMENT = st.text(min_size=1, max_size=12).map(lambda value: quote(value, safe="-_.~"))
LOOSE_SEGMENT = st.text(min_size=1, max_size=12).map(lambda value: quote(value, safe="-_.~:@!$'()*,;="))
NAME = st.text(alphabet=string.ascii_lowercase + string.digits + "-", min_size=1, max_size=8)
PARAMETER = st.text(max_size=10).map(lambda value: quote(value, safe="-_.~"))
VALUE = st.text(alphabet=[chr(code) for code in range(32, 127)], max_size=20)


@settings(max_examples=150, deadline=None)
@given(
    segments=st.lists(SEGMENT | st.sampled_from(["", ".", ".."]), max_size=5),
    loose=st.lists(LOOSE_SEGMENT, max_size=2),
    parameters=st.lists(st.tuples(PARAMETER.filter(bool), PARAMETER), max_size=5),
    headers=st.dictionaries(NAME.map(lambda name: f"x-amz-meta-{name}"), VALUE, max_size=4),
    body=st.binary(max_size=64),
    s3=st.booleans(),
)
def test_whatever_botocore_signs_is_verified(
    segments: list[str],
    loose: list[str],
    parameters: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
    s3: bool,
) -> None:
    # For S3, every client encodes all that is reserved in a key; elsewhere an ARN's colons may come as they are.
    segments = segments if s3 else segments + loose
    query = "&".join(f"{name}={value}" for name, value in parameters)
    url = f"http://{HOST}/{'/'.join(segments)}" + (f"?{query}" if query else "")
    auth, service = (S3SigV4Auth, "s3") if s3 else (SigV4Auth, "lambda")
    request = signed(method="PUT", url=url, body=body, headers=headers, auth=auth, service=service)
    assert verify(request) == body
