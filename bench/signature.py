"""What verifying the signature of an Invoke takes, so that it can be left out of one: no direct Invoke is unsigned."""

import statistics
import time

from stoker_target import ROLE, Stoker

from stoker.model.clock import SystemClock
from stoker.model.principal import Principal
from stoker.wire.message import Request
from stoker.wire.sigv4 import Verifier

TIMES = 2_000
BATCHES = 9


class _Key:
    """The one key there is."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def lookup(self, access_key: str, session_token: str | None, now: float) -> tuple[str, Principal]:
        return self._secret, Principal(account="000000000000", arn=ROLE, user_id="", access_key=access_key)

    def note_use(self, principal: Principal, moment: float, service: str, region: str) -> None:
        """Counted with the rest."""


def signature_us(stoker: Stoker, name: str) -> float:
    """CPU of one verification in µs, by the code that Stoker runs, on a request as `measure_warm` sends it."""
    head, _, body = stoker.endpoint(name).request.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    method, path, _ = line.split()
    headers = {key.lower(): value for key, _, value in (field.partition(": ") for field in fields)}
    request = Request(method=method, host=headers["host"], path=path, query="", headers=headers, body=body)
    verifier = Verifier(_Key(stoker.keys[1]), SystemClock())
    return statistics.median(_batch_us(verifier, request) for _ in range(BATCHES))


def _batch_us(verifier: Verifier, request: Request) -> float:
    began = time.thread_time()
    for _ in range(TIMES):
        verifier.verify(request, verifier.claim(request))
    return (time.thread_time() - began) * 1e6 / TIMES
