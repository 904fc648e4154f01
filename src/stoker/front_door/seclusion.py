"""Objects as pages in browsers: kept apart from the console, which has the same origin.

An object by path-style address is a document of the origin that the console's cookie belongs to: a script in it could
press the console's buttons. `sandbox` gives the document an origin of its own. It means nothing to a picture, a script
or an answer to `fetch`, only to what is shown as a page. Function URLs and APIs by path have it always.
"""

from stoker.front_door.http_answers import SANDBOX
from stoker.wire.message import Request, Response
from stoker.wire.s3_paths import bucket_of_host


def seclude(request: Request, response: Response) -> None:
    """Add what keeps an answer apart, where a browser asked for it by a host that may be the console's too."""
    if _is_browser(request) and bucket_of_host(request.host) is None:
        response.headers.append(SANDBOX)


def _is_browser(request: Request) -> bool:
    """Browsers send the one header where the connection is trusted (TLS, or this machine), the other everywhere."""
    return "sec-fetch-mode" in request.headers or request.headers.get("user-agent", "").startswith("Mozilla/")
