"""An HTTP endpoint that a test subscribes: keeps what it gets and answers as it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Endpoint:
    """`statuses` are the answers to come, in their order; then all is well."""

    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The JSON of the messages of one type."""
        return [json.loads(body) for headers, body in self.requests if headers["x-amz-sns-message-type"] == kind]


@contextmanager
def http_endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            endpoint.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(endpoint.statuses.pop(0) if endpoint.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_port}/in?a=b"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield endpoint
        server.shutdown()
        thread.join()
