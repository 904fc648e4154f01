"""The official Python client's transport, what its compiled module `runtime_client` does, for any interpreter: HTTP.

Source: "Using the Lambda runtime API for custom runtimes" in the AWS Lambda Developer Guide.
"""

from __future__ import annotations

import http.client

DEADLINE = "Lambda-Runtime-Deadline-Ms"
INVOCATION = "/2018-06-01/runtime/invocation/"
# 413: the response is over the limit, and the platform has answered the caller for the function.
ACCEPTED = (202, 413)


class RuntimeClient:
    """A kept connection to the Runtime API at `address`. Raises RuntimeError, and OSError when the platform is gone."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address)
        self._user_agent = ""

    def initialize_client(self, user_agent: str) -> None:
        self._user_agent = user_agent

    def next(self) -> tuple[bytes, dict[str, str | int]]:
        """Wait for an event; its bytes, and the headers that tell of it, the deadline as a number."""
        status, body, headers = self._ask("GET", INVOCATION + "next")
        if status != 200:
            raise RuntimeError("Failed to get next: %d %s" % (status, body.decode(errors="replace")))
        # http.client takes headers for Latin-1; the platform writes UTF-8.
        told: dict[str, str | int] = {
            name: value.encode("latin-1").decode(errors="replace") for name, value in headers.items()
        }
        return body, {**told, DEADLINE: int(told[DEADLINE])}

    def post_invocation_result(
        self, invoke_id: str, result: bytes, content_type: str, invocation_id: str | None = None
    ) -> None:
        self._post(invoke_id + "/response", result, {"Content-Type": content_type})

    def post_error(self, invoke_id: str, error: str, xray_fault: str, invocation_id: str | None = None) -> None:
        self._post(invoke_id + "/error", error.encode(), {"Content-Type": "application/json"})

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        status, said, _ = self._ask("POST", INVOCATION + path, body, headers)
        if status not in ACCEPTED:
            raise RuntimeError("Failed to post %s: %d %s" % (path, status, said.decode(errors="replace")))

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        self._connection.request(method, path, body, {"User-Agent": self._user_agent, **(headers or {})})
        response = self._connection.getresponse()
        return response.status, response.read(), response.headers
