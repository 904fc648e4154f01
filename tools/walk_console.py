"""Walk the newcomer's path through the console as a person would, and take the pictures of docs/console.md on the way.

    .venv/bin/python tools/walk_console.py --data data

Wants a running Stoker, its data directory, and Debian's chromium. Leaves the functions that it makes.
"""

import argparse
import configparser
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
# Of the narrow and dark one, pictures of these.
NARROW_TOO = ("test", "environments")
CODE = """import time

time.sleep(0.2)  # runs once in each environment


def handler(event, context):
    print("stoking for", event["name"])
    return {"warmth": len(event["name"])}
"""


class Walk:
    """One window. `look` takes a picture of what is seen in it."""

    def __init__(self, browser: Browser, console: str, suffix: str, viewport: dict[str, int], scheme: str) -> None:
        permissions = ["clipboard-read", "clipboard-write"]
        self.page: Page = browser.new_context(
            viewport=viewport, color_scheme=scheme, permissions=permissions, timezone_id="UTC"
        ).new_page()
        self.console = console
        self._suffix = suffix

    def look(self, name: str) -> None:
        if self._suffix != "light" and name not in NARROW_TOO:
            return
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.mouse.move(0, 0)
        self.page.screenshot(path=PICTURES / f"console-{name}-{self._suffix}.png")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def sign_in(self, key: str, secret: str) -> None:
        self.page.goto(f"{self.console}/")
        self.page.get_by_label("Access key ID").fill(key)
        self.page.get_by_label("Secret access key").fill(secret)
        self.press("Sign in")
        self.page.wait_for_url("**/functions")

    def make_function(self, name: str) -> None:
        page = self.page
        page.get_by_role("link", name="Create function").click()
        page.get_by_label("Name").fill(name)
        page.locator(".cm-content").click()
        page.evaluate("code => navigator.clipboard.writeText(code)", CODE)
        page.keyboard.press("Control+A")
        page.keyboard.press("Control+V")
        page.evaluate("scrollTo(0, 0)")
        self.look("create")
        self.press("Create function")
        page.wait_for_url(f"**/functions/{name}?*")

    def test(self) -> None:
        self.press("Test")
        self.page.locator(".cold").wait_for()
        self.look("test")
        self.press("Test")
        self.page.locator(".warm").wait_for()

    def watch(self, name: str) -> None:
        """Environments: several at once, one cold start beside a warm call."""
        page = self.page
        page.get_by_role("link", name="Environments").last.click()
        page.get_by_text("live", exact=True).wait_for()
        page.locator("#starts li").first.wait_for()
        self.press("Call it once")
        page.locator("#starts").get_by_text("warm call").first.wait_for()
        page.locator("[data-number][data-state=frozen]").first.wait_for()
        self.look("environments")

    def show(self, path: str, name: str) -> None:
        self.page.goto(f"{self.console}{path}")
        self.look(name)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=Path("data"))
    data = arguments.parse_args().data
    file = configparser.RawConfigParser()
    file.read(data / "credentials")
    key, secret = file["default"]["aws_access_key_id"], file["default"]["aws_secret_access_key"]
    console = f"{(data / 'endpoint').read_text().strip()}/_stoker/console"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for viewport, scheme, suffix in ((WIDE, "light", "light"), (NARROW, "dark", "narrow-dark")):
            began = time.monotonic()
            walk = Walk(browser, console, suffix, viewport, scheme)
            for step in _steps(walk, key, secret, f"greet-{suffix}"):
                step()
            print(f"{suffix}: {time.monotonic() - began:.1f} s from the sign-in to the last page")
        browser.close()


def _steps(walk: Walk, key: str, secret: str, name: str) -> list[Callable[[], None]]:
    return [
        lambda: walk.sign_in(key, secret),
        lambda: walk.make_function(name),
        walk.test,
        lambda: walk.watch(name),
        lambda: walk.show(f"/functions/{name}/logs", "logs"),
    ]


if __name__ == "__main__":
    main()
