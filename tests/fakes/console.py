"""The console as a person uses it: in a real browser, which tells what it had to complain of."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from fakes.live_server import ACCESS_KEY, SECRET_KEY, LiveServer

# A machine that is five times slower than this one is no reason to fail.
PATIENCE_MS = 60_000


@dataclass
class Reader:
    """Somebody with a window of their own. `complaints` are the browser's: scripts that failed, policies broken."""

    page: Page
    console: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """A browser gives a page up when the machine's network changes, as with each sandbox: once more then."""
        while True:
            try:
                self.page.goto(f"{self.console}{path}")
            except Error as error:
                if "ERR_NETWORK_CHANGED" not in str(error):
                    raise
            else:
                return

    def sign_in(self, key: str = ACCESS_KEY, secret: str = SECRET_KEY) -> None:
        self.go("/")
        self.page.get_by_label("Access key ID").fill(key)
        self.page.get_by_label("Secret access key").fill(secret)
        self.page.get_by_role("button", name="Sign in").click()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def paste(self, text: str) -> None:
        """Over all that is in the editor."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.page.locator(".cm-content:visible").first.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Control+V")


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's chromium. A machine without it must say so: a silent skip would leave the console untested."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.fail("There is no chromium on this machine: apt-get install chromium, which `make test` does.")
    # It refuses to sandbox itself as root.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=options)
        yield opened
        opened.close()


@contextmanager
def reader(browser: Browser, server: LiveServer, **looks: object) -> Iterator[Reader]:
    """A window without cookies. Whoever opened it looks at its complaints."""
    permissions = ["clipboard-read", "clipboard-write"]
    context = browser.new_context(permissions=permissions, **looks)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    one = Reader(page=page, console=f"{server.endpoint}/_stoker/console")
    page.on("console", lambda message: message.type in ("error", "warning") and one.complaints.append(message.text))
    page.on("pageerror", lambda error: one.complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            request.url.startswith((server.endpoint, "data:", "blob:", "about:")) or one.foreign.append(request.url)
        ),
    )
    yield one
    context.close()
