"""Pages of functions and objects in browsers: kept apart from the console, which has the same origin.

A function URL by path, an API by path and an object by path-style address are documents of the origin that the console's
cookie belongs to: a script in one could press the console's buttons. `sandbox` gives each such document an origin of
its own. It means nothing to a script, a picture or an answer to `fetch`, only to what is shown as a page.
"""

from stoker.front_door.own_paths import PREFIX
from stoker.wire.message import Request, Response
from stoker.wire.s3_paths import bucket_of_host

_SANDBOX = "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts"
_CONSOLE = f"{PREFIX}console/"


def seclude(request: Request, response: Response) -> None:
    """Add what keeps an answer apart, where a browser asked for it by the console's own host.

    For requests that did not come by a host of their own, as a function URL's or an API's: those are apart already.
    """
    if _is_browser(request) and not request.path.startswith(_CONSOLE) and bucket_of_host(request.host) is None:
        response.headers.append(("content-security-policy", _SANDBOX))


def _is_browser(request: Request) -> bool:
    """Browsers send the one header where the connection is trusted (TLS, or this machine), the other everywhere."""
    return "sec-fetch-mode" in request.headers or request.headers.get("user-agent", "").startswith("Mozilla/")
