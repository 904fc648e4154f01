"""A function's figures in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from fakes.console import PATIENCE_MS, browser, reader
from fakes.live_server import LiveServer
from fakes.waiting import eventually
from fakes.wall_clock import MINUTE_S, with_room_in
from fakes.zips import zip_of

pytestmark = pytest.mark.slow
expect.set_options(timeout=PATIENCE_MS)
SOURCE = "def handler(event, context):\n    assert not event.get('fail')\n"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


def test_calls_failures_and_durations_of_a_function_are_drawn(chromium: Browser, live_server: LiveServer) -> None:
    functions, name = live_server.client("lambda"), "console-figures"
    functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/test",
        Handler="app.handler",
        Code={"ZipFile": zip_of({"app.py": SOURCE})},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    # They are drawn by the minute.
    with_room_in(MINUTE_S, 30)
    for payload in ("{}", "{}", '{"fail": true}'):
        functions.invoke(FunctionName=name, Payload=payload)
    with reader(chromium, live_server) as ada:
        ada.sign_in()
        ada.page.wait_for_url("**/functions")
        page = ada.page
        page.goto(f"{live_server.endpoint}/_stoker/console/functions/{name}/monitoring?span=1h")

        def calls() -> str:
            page.reload()
            return str(page.locator("section.card", has_text="Calls").first.inner_text())

        eventually(lambda: "3" in calls(), "three calls are counted")
        plot = page.get_by_role("img", name="Calls over an hour, at most 3")
        expect(plot.locator(".part1 rect")).to_have_count(1)
        expect(plot.locator(".part2 rect title")).to_contain_text("Failed: 1")
        expect(page.locator("section.card", has_text="Duration")).to_contain_text("ms")
        page.get_by_role("link", name="a week").click()
        expect(page.get_by_role("img", name="Calls over a week, at most 3")).to_be_visible()
        assert ada.complaints == []
        assert ada.foreign == []


def test_a_function_that_is_not_there_has_no_figures(chromium: Browser, live_server: LiveServer) -> None:
    with reader(chromium, live_server) as ada:
        ada.sign_in()
        ada.page.wait_for_url("**/functions")
        ada.page.goto(f"{live_server.endpoint}/_stoker/console/functions/nobody-s/monitoring")
        expect(ada.page.locator("main")).to_contain_text("Function not found")
