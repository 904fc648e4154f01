"""Whether a request was made by a page of the console: two proofs, of which either would do."""

import hmac
from urllib.parse import urlsplit

from stoker.console.sessions import Session
from stoker.wire.message import Request

FIELD = "csrf"
HEADER = "x-stoker-csrf"


class ForgeryError(Exception):
    """This request did not come from a page of this console. Open the console's own address, and try again."""

    def __init__(self) -> None:
        super().__init__((type(self).__doc__ or "").strip())


def check_origin(request: Request) -> None:
    """Raises ForgeryError unless the browser says that the page was one of this host. For all that changes anything."""
    origin = request.headers.get("origin")
    if origin is None:
        # Browsers send it with every POST; what does not is no browser, and has no cookie that others could use.
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise ForgeryError
        return
    if origin == "null" or urlsplit(origin).netloc != request.host:
        raise ForgeryError


def check_token(request: Request, session: Session, field: str | None) -> None:
    """Raises ForgeryError unless the request knows what only the session's pages know."""
    token = request.headers.get(HEADER) or field or ""
    if not hmac.compare_digest(token.encode(), session.csrf.encode()):
        raise ForgeryError
