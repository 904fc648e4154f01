"""Objects as pages have no part in the console's origin."""

import pytest

from stoker.front_door.seclusion import seclude
from stoker.wire.message import Request, Response

BROWSER = {"sec-fetch-mode": "navigate"}
OLD_BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64)"}


def secluded(path: str, headers: dict[str, str], host: str = "127.0.0.1:4566") -> bool:
    response = Response(status=200, headers=[], body=b"")
    seclude(Request(method="GET", host=host, path=path, query="", headers=headers), response)
    return any(
        name.lower() == "content-security-policy" and value.startswith("sandbox") for name, value in response.headers
    )


@pytest.mark.parametrize("headers", [BROWSER, OLD_BROWSER], ids=["browser", "plain-http"])
def test_an_object_that_shares_the_console_s_host_is_kept_apart(headers: dict[str, str]) -> None:
    assert secluded("/bucket/page.html", headers)


def test_clients_that_are_no_browsers_are_left_alone() -> None:
    assert not secluded("/bucket/page.html", {"user-agent": "Boto3/1.40"})


def test_a_bucket_with_a_host_of_its_own_is_apart_already() -> None:
    assert not secluded("/page.html", BROWSER, host="bucket.s3.localhost:4566")
