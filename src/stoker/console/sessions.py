"""Who is signed in: kept in memory, for a while, and known by a cookie that only the browser and Stoker see."""

import hashlib
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from botocore.credentials import ReadOnlyCredentials

from stoker.model.clock import Clock

# As long as a day's work; an hour away from it is enough.
LONGEST_S = 12 * 3600.0
IDLE_S = 3600.0
MOST = 1000
PATH = "/_stoker/console"


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """Somebody who is signed in. `arn` is who they are; `csrf` is what their pages' forms have to know."""

    credentials: ReadOnlyCredentials = field(repr=False)
    arn: str
    region: str
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    began: float
    seen: float


class Sessions:
    """All sessions, by the digest of their cookie: what is in memory opens nothing. They end with the process."""

    def __init__(self, *, clock: Clock, port: int) -> None:
        self._clock = clock
        # Cookies don't know ports: two Stokers on one machine would sign each other out.
        self._name = f"stoker-console-{port}"
        # The one seen longest ago first.
        self._sessions: dict[bytes, Session] = {}

    def __repr__(self) -> str:
        return f"<Sessions {len(self._sessions)}>"

    def begin(self, credentials: ReadOnlyCredentials, *, arn: str, region: str, secure: bool) -> tuple[Session, str]:
        """Somebody has shown who they are: their session, and the Set-Cookie header.

        `secure`: they came over TLS, and their browser is to send the cookie over nothing else.
        """
        now = self._clock.time()
        self._forget_old(now)
        while len(self._sessions) >= MOST:
            del self._sessions[next(iter(self._sessions))]
        token = secrets.token_urlsafe(32)
        session = Session(credentials=credentials, arn=arn, region=region, began=now, seen=now)
        self._sessions[_digest(token)] = session
        return session, self._cookie(token, int(LONGEST_S), secure=secure)

    def find(self, cookie_header: str) -> Session | None:
        """The session of a request, which counts as seen."""
        key = self._key(cookie_header)
        session = self._sessions.pop(key, None) if key is not None else None
        if key is None or session is None or not self.is_live(session):
            return None
        session.seen = self._clock.time()
        self._sessions[key] = session
        return session

    def is_live(self, session: Session) -> bool:
        """Whether it has not run out. One that was ended is never live again."""
        now = self._clock.time()
        return now - session.began < LONGEST_S and now - session.seen < IDLE_S

    def end(self, cookie_header: str) -> str:
        """Sign out: the Set-Cookie header that takes the cookie back."""
        key = self._key(cookie_header)
        session = self._sessions.pop(key, None) if key is not None else None
        if session is not None:
            # Streams that are still open look at it.
            session.began = -LONGEST_S
        return self._cookie("", 0, secure=False)

    def _forget_old(self, now: float) -> None:
        for key in [key for key, each in self._sessions.items() if not self.is_live(each)]:
            del self._sessions[key]

    def _key(self, cookie_header: str) -> bytes | None:
        try:
            morsel = SimpleCookie(cookie_header).get(self._name)
        except CookieError:
            return None
        return _digest(morsel.value) if morsel is not None and morsel.value else None

    def _cookie(self, token: str, age_s: int, *, secure: bool) -> str:
        only = "; Secure" if secure else ""
        return f"{self._name}={token}; Path={PATH}; Max-Age={age_s}; HttpOnly; SameSite=Strict{only}"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
