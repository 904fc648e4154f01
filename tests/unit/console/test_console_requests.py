"""Which requests the console takes for its own pages', and what comes along with every answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest

from fakes.clock import FakeClock
from stoker.console.app import Console
from stoker.console.assets import Assets
from stoker.console.aws import Door
from stoker.console.pages.signing_in import SigningIn
from stoker.console.routing import get, post
from stoker.console.sessions import Sessions
from stoker.console.visit import Events, Page, Redirect, Visit
from stoker.wire.message import Request, Response

HOST = "127.0.0.1:4566"
WHO = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::000000000000:user/ada</Arn><UserId>A</UserId><Account>000000000000</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
REFUSED = b"""<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>It does not match.</Message></Error>
</ErrorResponse>"""


class FakeDoor:
    """The APIs: one key is good. Keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []

    async def __call__(self, request: Request) -> Response:
        self.asked.append({**request.headers, "client": request.source_ip})
        good = "Credential=AKIAGOOD/" in request.headers["authorization"]
        kind = [("content-type", "text/xml")]
        return Response(status=200 if good else 403, headers=kind, body=WHO if good else REFUSED)


class House:
    """A console with two pages: one shows its visitor's form, one does something."""

    def __init__(self) -> None:
        self.door, self.done = FakeDoor(), 0
        door = Door(application=self.door, endpoint=f"http://{HOST}")
        self.console = Console(
            [get("/functions", self._show), get("/live", self._live), post("/do", self._do)],
            door=door,
            sessions=Sessions(clock=FakeClock(), port=4566),
            signing_in=SigningIn(door, region="us-east-1"),
            assets=Assets(),
        )

    async def _show(self, visit: Visit) -> Page:
        return Page(template="refusal.html", context={"error": visit.session.csrf})

    async def _live(self, visit: Visit) -> Events:
        async def events() -> AsyncIterator[tuple[str, Any]]:
            try:
                yield "number", {"text": "1\n2</script>"}
                await asyncio.Event().wait()
            finally:
                self.done += 1

        return Events(events=events())

    async def _do(self, visit: Visit) -> Redirect:
        self.done += 1
        return Redirect(to="/functions")

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **form: str) -> Response:
        request = Request(
            method=method,
            host=HOST,
            path=f"/_stoker/console{path.partition('?')[0]}",
            query=path.partition("?")[2],
            headers=headers or {},
            body=urlencode(form).encode(),
            source_ip="192.0.2.7",
        )
        return asyncio.run(self.console.answer(request))

    def sign_in(self, key: str = "AKIAGOOD", **more: str) -> Response:
        form = {"access-key": key, "secret-key": "the-secret", **more}
        return self.ask("POST", "/sign-in", {"origin": f"http://{HOST}"}, **form)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def cookie(house: House) -> str:
    return dict(house.sign_in().headers)["set-cookie"].partition(";")[0]


def header(response: Response, name: str) -> str | None:
    return dict(response.headers).get(name)


def token(house: House, cookie: str) -> str:
    body = house.ask("GET", "/functions", {"cookie": cookie}).body
    assert isinstance(body, bytes)
    return body.decode().partition('role="alert">')[2].partition("<")[0]


def test_signing_in_asks_the_apis_who_it_is_on_behalf_of_the_browser(house: House) -> None:
    response = house.sign_in()
    assert (response.status, header(response, "location")) == (303, "/_stoker/console/functions")
    (asked,) = house.door.asked
    assert asked["client"] == "192.0.2.7"
    assert "the-secret" not in json.dumps(asked)


def test_a_wrong_key_gets_no_cookie_and_its_secret_is_not_shown_again(house: House) -> None:
    response = house.sign_in("AKIABAD")
    assert (response.status, header(response, "set-cookie")) == (403, None)
    assert isinstance(response.body, bytes)
    assert b"It does not match." in response.body
    assert b"AKIABAD" in response.body
    assert b"the-secret" not in response.body


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/x\r\nset-cookie: a=b", "\\evil"])
def test_nobody_is_sent_elsewhere_by_signing_in(house: House, to: str) -> None:
    assert header(house.sign_in(to=to), "location") == "/_stoker/console/functions"


def test_a_page_that_was_wanted_comes_after_signing_in(house: House) -> None:
    assert header(house.ask("GET", "/logs"), "location") == "/_stoker/console/sign-in?to=/logs"
    assert header(house.sign_in(to="/logs"), "location") == "/_stoker/console/logs"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_what_another_page_sends_does_nothing(house: House, cookie: str, headers: dict[str, str]) -> None:
    response = house.ask("POST", "/do", {"cookie": cookie, **headers}, csrf=token(house, cookie))
    assert (response.status, house.done) == (403, 0)


def test_a_change_needs_the_session_s_own_token(house: House, cookie: str) -> None:
    own = {"cookie": cookie, "origin": f"http://{HOST}"}
    assert house.ask("POST", "/do", own).status == 403
    assert house.ask("POST", "/do", own, csrf="guess").status == 403
    other = dict(house.sign_in().headers)["set-cookie"].partition(";")[0]
    assert house.ask("POST", "/do", own, csrf=token(house, other)).status == 403
    assert house.done == 0
    assert house.ask("POST", "/do", own, csrf=token(house, cookie)).status == 303
    assert house.ask("POST", "/do", {**own, "x-stoker-csrf": token(house, cookie)}).status == 303
    assert house.done == 2


def test_reading_a_page_s_address_by_post_or_the_other_way_round_finds_nothing(house: House, cookie: str) -> None:
    assert house.ask("GET", "/do", {"cookie": cookie}).status == 404
    own = {"cookie": cookie, "origin": f"http://{HOST}"}
    assert house.ask("POST", "/functions", own, csrf=token(house, cookie)).status == 404


def test_without_a_session_there_is_nothing_but_the_way_in(house: House) -> None:
    for path in ("/", "/functions", "/environments/live", "/nothing"):
        assert (header(house.ask("GET", path), "location") or "").startswith("/_stoker/console/sign-in")
    assert house.ask("POST", "/do", {"origin": f"http://{HOST}"}).status == 303
    assert house.done == 0


def test_signing_out_takes_the_cookie_back(house: House, cookie: str) -> None:
    own = {"cookie": cookie, "origin": f"http://{HOST}"}
    response = house.ask("POST", "/sign-out", own, csrf=token(house, cookie))
    assert "Max-Age=0" in (header(response, "set-cookie") or "")
    assert house.ask("GET", "/functions", {"cookie": cookie}).status == 303


def test_every_answer_allows_our_own_files_and_nothing_else(house: House, cookie: str) -> None:
    pages = [house.ask("GET", "/sign-in"), house.ask("GET", "/functions", {"cookie": cookie}), house.ask("GET", "/")]
    for response in pages:
        policy = header(response, "content-security-policy") or ""
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert header(response, "cache-control") == "no-store"
        assert header(response, "x-frame-options") == "DENY"


def test_files_are_kept_by_browsers_and_only_there(house: House) -> None:
    version = Assets().version
    response = house.ask("GET", f"/static/{version}/console.css", {"accept-encoding": "gzip, br"})
    assert (response.status, header(response, "content-encoding")) == (200, "gzip")
    assert "immutable" in (header(response, "cache-control") or "")
    for path in (f"/static/{version}/../app.py", f"/static/{version}/", "/static/0/console.css", "/static"):
        assert house.ask("GET", path).status in (303, 404)


def test_pages_without_the_editor_weigh_less_than_200_kb() -> None:
    assets = Assets()
    names = [name for name in assets.names if not name.startswith("vendor/")]
    assert sum(len(assets.get(name).content) for name in names) < 200_000  # type: ignore[union-attr]


@pytest.mark.parametrize("end", ["stop", "leave", "sign out"])
def test_a_live_page_ends_with_its_reader_its_session_and_stoker(house: House, cookie: str, end: str) -> None:
    async def watch() -> list[bytes]:
        request = Request(
            method="GET", host=HOST, path="/_stoker/console/live", query="", headers={"cookie": cookie}, source_ip=""
        )
        lines = (await house.console.answer(request)).body
        assert not isinstance(lines, bytes)
        heard = [await anext(lines), await anext(lines)]
        if end == "leave":
            await lines.aclose()  # type: ignore[attr-defined]
            return heard
        if end == "sign out":
            house.console._sessions.end(cookie)
        await house.console.let_go()
        return heard + [line async for line in lines]

    heard = asyncio.run(watch())
    # What it has to say is on one line, whatever is in it.
    assert heard == [b"retry: 1000\n\n", b'event: number\ndata: {"text":"1\\n2</script>"}\n\n']
    assert house.done == 1
