"""The console: a request under /_stoker/console/ in, a page out; the one place that knows who is signed in."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote

import msgspec

from stoker.console.assets import Asset, Assets
from stoker.console.aws import Aws, Door
from stoker.console.aws_models import ApiError
from stoker.console.forgery import FIELD, ForgeryError, check_origin, check_token
from stoker.console.pages.signing_in import SigningIn
from stoker.console.regions import REGION, REGIONS
from stoker.console.rendering import Renderer
from stoker.console.routing import Route, Routes
from stoker.console.sessions import PATH, Session, Sessions
from stoker.console.visit import Events, Form, InputError, Page, Redirect, Reply, Visit
from stoker.model.errors import ServiceError
from stoker.wire.message import Request, Response

# No script and no style but our own files, nothing from elsewhere, and nobody may frame a page.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SECURITY = [
    ("content-security-policy", _POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
]
_KEEP = "public, max-age=31536000, immutable"
# Often enough for what cuts quiet connections.
_ALIVE_S = 15.0


class Console:
    """Answers what is under its path. `home` is where who has signed in begins."""

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        door: Door,
        sessions: Sessions,
        signing_in: SigningIn,
        assets: Assets,
        home: str = "/functions",
    ) -> None:
        self._routes = Routes(routes)
        self._door = door
        self._sessions = sessions
        self._signing_in = signing_in
        self._assets = assets
        self._renderer = Renderer(root=PATH, regions=REGIONS, assets=f"{PATH}/static/{assets.version}")
        self._home = home
        self._leaving = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Console {self._sessions!r}>"

    async def let_go(self) -> None:
        """Stoker stops: pages that are kept up to date are so no longer."""
        self._leaving.set()

    async def answer(self, request: Request) -> Response:
        """Raises nothing that is a caller's fault: it is told on a page."""
        path = request.path.removeprefix(PATH)
        if path.startswith("/static/"):
            return await asyncio.to_thread(self._asset, request, path)
        if request.method not in ("GET", "HEAD", "POST"):
            return _response(405, b"Only GET and POST.", "text/plain")
        session = self._sessions.find(request.headers.get("cookie", ""))
        try:
            if request.method == "POST":
                check_origin(request)
            if path == "/sign-in":
                return await self._sign_in(request, session)
            if session is None:
                return _redirect(request, f"/sign-in?to={_only_path(path)}")
            return await self._visit(request, session, path)
        except ForgeryError as error:
            return await self._page(Page(template="error.html", context={"error": str(error)}, status=403), None)

    async def _visit(self, request: Request, session: Session, path: str) -> Response:
        form = await asyncio.to_thread(Form, request.body if request.method == "POST" else b"")
        if request.method == "POST":
            check_token(request, session, form[FIELD])
        if path == "/sign-out" and request.method == "POST":
            taken_back = self._sessions.end(request.headers.get("cookie", ""))
            return _redirect(request, "/sign-in", ("set-cookie", taken_back))
        if path == "/region" and request.method == "POST" and REGION.fullmatch(form["region"]):
            session.region = form["region"]
            return _redirect(request, self._home)
        if path in ("", "/"):
            return _redirect(request, self._home)
        found = self._routes.find("GET" if request.method == "HEAD" else request.method, path)
        if found is None:
            return await self._page(
                Page(template="error.html", context={"error": "No such page."}, status=404), session
            )
        page, names = found
        visit = Visit(
            request=request,
            session=session,
            aws=Aws(
                self._door,
                session.credentials,
                region=session.region,
                client=request.source_ip,
                scheme=request.scheme,
            ),
            names=names,
            query=dict(parse_qsl(request.query, keep_blank_values=True)),
            form=form,
        )
        return await self._respond(visit, await self._reply(page, visit))

    async def _reply(self, page: Any, visit: Visit) -> Reply:
        """What the page gives; what the APIs refused is told in their own words."""
        try:
            reply: Reply = await page(visit)
            return reply
        except (ApiError, InputError, ServiceError) as error:
            code = getattr(error, "code", "")
            status = getattr(error, "status", 400)
            message = getattr(error, "message", str(error))
            template = "refusal.html" if visit.is_fragment else "error.html"
            return Page(template=template, context={"error": message, "code": code}, status=status)

    async def _respond(self, visit: Visit, reply: Reply) -> Response:
        if isinstance(reply, Redirect):
            return _redirect(visit.request, reply.to)
        if isinstance(reply, Events):
            headers = [("content-type", "text/event-stream"), ("cache-control", "no-store"), *_SECURITY]
            return Response(status=200, headers=headers, body=self._lines(reply.events, visit.session))
        return await self._page(reply, visit.session)

    async def _lines(self, events: AsyncIterator[tuple[str, Any]], session: Session) -> AsyncIterator[bytes]:
        """Server-sent events; a comment now and then, so that what is between keeps the connection open."""
        pending: asyncio.Task[tuple[str, Any]] | None = None
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            yield b"retry: 1000\n\n"
            while self._sessions.is_live(session) and not self._leaving.is_set():
                pending = pending or asyncio.ensure_future(anext(events))
                await asyncio.wait({pending, leaving}, timeout=_ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
                if not pending.done():
                    yield b": still here\n\n"
                    continue
                name, value = pending.result()
                pending = None
                yield await asyncio.to_thread(_event, name, value)
        except StopAsyncIteration:
            return
        except ApiError as error:
            yield _event("refused", error.message)
        finally:
            leaving.cancel()
            if pending is not None:
                pending.cancel()
                await asyncio.wait({pending})
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()

    async def _page(self, page: Page, session: Session | None) -> Response:
        context = {"session": session, "csrf": session.csrf if session else "", "code": "", **page.context}
        body = await asyncio.to_thread(self._renderer.render, page.template, context)
        return _response(page.status, body, "text/html; charset=utf-8")

    async def _sign_in(self, request: Request, session: Session | None) -> Response:
        query = dict(parse_qsl(request.query))
        if request.method != "POST":
            if session is not None:
                return _redirect(request, self._home)
            return await self._page(self._signing_in.page(to=query.get("to", "")), None)
        form = Form(request.body)
        outcome = await self._signing_in.attempt(form, client=request.source_ip)
        if isinstance(outcome, Page):
            return await self._page(outcome, None)
        _, cookie = self._sessions.begin(
            outcome.credentials, arn=outcome.arn, region=outcome.region, secure=request.is_secure
        )
        return _redirect(request, _only_path(form["to"]) or self._home, ("set-cookie", cookie))

    def _asset(self, request: Request, path: str) -> Response:
        _, _, version, name = path.split("/", 3) if path.count("/") >= 3 else ("", "", "", "")
        asset = self._assets.get(name) if version == self._assets.version else None
        if asset is None or request.method not in ("GET", "HEAD"):
            return _response(404, b"There is nothing here.", "text/plain")
        return _serve(asset, packs="gzip" in request.headers.get("accept-encoding", ""))


def _event(name: str, value: Any) -> bytes:
    """A server-sent event: JSON has no line ends of its own."""
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:
        # A line of a log may have a lone surrogate, which is no UTF-8: here it is escaped, in eight times the time.
        data = json.dumps(value, default=msgspec.to_builtins).encode()
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def _serve(asset: Asset, *, packs: bool) -> Response:
    response = _response(200, asset.packed if packs else asset.content, asset.media_type, cache=_KEEP)
    encoding = [("content-encoding", "gzip")] if packs else []
    return Response(status=200, headers=[*response.headers, *encoding, ("vary", "accept-encoding")], body=response.body)


def _response(status: int, body: bytes, media_type: str, *, cache: str = "no-store") -> Response:
    headers = [("content-type", media_type), ("content-length", str(len(body))), ("cache-control", cache), *_SECURITY]
    return Response(status=status, headers=headers, body=body)


def _redirect(request: Request, to: str, *headers: tuple[str, str]) -> Response:
    """To a path of ours. A script is told in a header, since it would follow a redirect itself."""
    response = _response(200 if "x-stoker-fragment" in request.headers else 303, b"", "text/plain")
    name = "x-stoker-location" if "x-stoker-fragment" in request.headers else "location"
    return Response(
        status=response.status,
        headers=[*response.headers, (name, PATH + quote(to, safe="/?=&%:$")), *headers],
        body=b"",
    )


def _only_path(to: str) -> str:
    """A path of the console, or nothing: nobody is sent elsewhere."""
    return to if to.startswith("/") and not to.startswith("//") and all(32 < ord(each) < 127 for each in to) else ""
