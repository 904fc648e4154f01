"""Static websites: buckets read by browsers at a host of their own, with index and error documents and redirects.

`<bucket>.s3-website-<region>.<domain>` and `<bucket>.s3-website.<domain>`, so also `<bucket>.s3-website.localhost`.
"""

from collections.abc import Awaitable, Callable
from html import escape
from urllib.parse import quote

from msgspec.structs import replace

from stoker.model.errors import ServiceError
from stoker.objects.bucket import Bucket
from stoker.objects.errors import MethodNotAllowed, NoSuchWebsiteConfiguration
from stoker.objects.website import (
    WEBSITE,
    Asked,
    Redirection,
    error_key,
    first_redirection,
    folder_of,
    object_key,
    redirection_after,
)
from stoker.wire.message import Request, Response
from stoker.wire.s3_paths import bucket_and_key

_MISSING = (403, 404)
_OF_BODIES = ("content-length", "transfer-encoding")
_REDIRECT_HEADER = "x-amz-website-redirect-location"

# An object, read as whoever has not signed: takes the request for it. Raises the ServiceError of GetObject.
Read = Callable[[Request], Awaitable[Response]]


async def visit(request: Request, bucket: Bucket, read: Read) -> Response:
    """The answer to a browser; `request` is path-style."""
    website = bucket.settings.get(WEBSITE)
    _, key = bucket_and_key(request.path)
    if request.method not in ("GET", "HEAD"):
        return _page(MethodNotAllowed(Method=request.method), request)
    if website is None:
        return _page(NoSuchWebsiteConfiguration(BucketName=bucket.name), request)
    asked = Asked(scheme=request.scheme, host=request.host, key=key)
    if (sent := first_redirection(website, asked)) is not None:
        return _redirect(sent)

    # Several objects may be looked for, and none of them takes what a visitor sends along.
    headers = {name: value for name, value in request.headers.items() if name not in _OF_BODIES}

    def at(name: str) -> Request:
        # A query is the page's own affair; for S3's API it would be another operation.
        return replace(request, path=f"/{bucket.name}/{quote(name)}", query="", headers=headers)

    try:
        return _followed(await read(at(object_key(website, key))))
    except ServiceError as error:
        if error.status not in _MISSING:
            return _page(error, request)
        missing = error
    if (folder := folder_of(website, key)) is not None and await _is_there(read, at(folder)):
        return _redirect(Redirection(status=302, location=f"/{quote(key)}/"))
    if (sent := redirection_after(website, asked, missing.status)) is not None:
        return _redirect(sent)
    if (name := error_key(website)) is not None:
        try:
            found = await read(at(name))
            return Response(status=missing.status, headers=found.headers, body=found.body)
        except ServiceError:
            # What is told is the error that there was first.
            return _page(missing, request)
    return _page(missing, request)


def _followed(found: Response) -> Response:
    """An object that says itself where it leads."""
    location = next((value for name, value in found.headers if name.lower() == _REDIRECT_HEADER), None)
    return found if location is None else _redirect(Redirection(status=301, location=location))


async def _is_there(read: Read, request: Request) -> bool:
    try:
        found = await read(request)
    except ServiceError:
        return False
    close = getattr(found.body, "aclose", None)
    if close is not None:
        await close()
    return True


def _redirect(to: Redirection) -> Response:
    return Response(status=to.status, headers=[("location", to.location), ("content-length", "0")])


def _page(error: ServiceError, request: Request) -> Response:
    """The error as a page, as S3's website endpoints write it."""
    title = f"{error.status} {escape(error.code)}"
    items = f"<li>Code: {escape(error.code)}</li><li>Message: {escape(error.message)}</li>"
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><ul>{items}</ul></body></html>".encode()
    headers = [("content-type", "text/html; charset=utf-8"), ("content-length", str(len(body)))]
    return Response(status=error.status, headers=headers, body=body)
