"""A web server as a function: an extension that takes the function's events and asks the server in its place.

It speaks AWS's web adapter's protocol: the same variables, headers and behaviour, for events of function URLs, HTTP
APIs and REST APIs. The server is the function's runtime process, and knows nothing of all this.
"""

import http.client
import json
import os
import socket
import threading
import time

import events
from lambda_api import LambdaApi

NAME = "web-adapter"
# An init may take 10 s.
ASYNC_INIT_S = 9.8
READINESS_INTERVAL_S = 0.01
PIECE_BYTES = 65536


class Settings:
    """What the function's variables say; see README.md."""

    def __init__(self, variables):
        self.host = variables.get("AWS_LWA_HOST", "127.0.0.1")
        self.port = int(variables.get("AWS_LWA_PORT") or variables.get("PORT") or 8080)
        self.readiness_port = int(variables.get("AWS_LWA_READINESS_CHECK_PORT") or self.port)
        self.readiness_path = variables.get("AWS_LWA_READINESS_CHECK_PATH", "/")
        self.readiness_protocol = variables.get("AWS_LWA_READINESS_CHECK_PROTOCOL", "http").lower()
        self.healthy = events.statuses(variables.get("AWS_LWA_READINESS_CHECK_HEALTHY_STATUS", "100-499"))
        self.failing = events.statuses(variables.get("AWS_LWA_ERROR_STATUS_CODES", ""))
        self.async_init = variables.get("AWS_LWA_ASYNC_INIT") == "true"
        self.streams = variables.get("AWS_LWA_INVOKE_MODE", "").lower() == "response_stream"
        self.base_path = variables.get("AWS_LWA_REMOVE_BASE_PATH", "")
        self.pass_through_path = variables.get("AWS_LWA_PASS_THROUGH_PATH", "/events")
        self.authorization_source = variables.get("AWS_LWA_AUTHORIZATION_SOURCE")


class FailingStatusError(Exception):
    """The server answered with a status that the function wants to fail with."""


class WebApp:
    """The server at its port."""

    def __init__(self, settings):
        self._settings = settings
        self._is_ready = False

    def wait_until_ready(self, limit_s=float("inf")):
        """Ask until it is healthy, at most for so long."""
        end = time.monotonic() + limit_s
        while not self._is_ready and time.monotonic() < end:
            self._is_ready = self._looks_healthy()
            if not self._is_ready:
                time.sleep(READINESS_INTERVAL_S)

    def _looks_healthy(self):
        settings = self._settings
        connection = http.client.HTTPConnection(settings.host, settings.readiness_port)
        try:
            if settings.readiness_protocol == "tcp":
                connection.connect()
                return True
            connection.request("GET", settings.readiness_path)
            return connection.getresponse().status in settings.healthy
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def ask(self, request):
        """Its answer, whose body is yet to be read. Each request has a connection of its own: one that was kept may be
        closed while the environment stands still.
        """
        connection = http.client.HTTPConnection(self._settings.host, self._settings.port)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        if not any(name.lower() == "host" for name, _ in request.headers):
            connection.putheader("Host", f"{self._settings.host}:{self._settings.port}")
        for name, value in request.headers:
            connection.putheader(name, value.encode())
        connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        answer = connection.getresponse()
        if answer.status in self._settings.failing:
            raise FailingStatusError(f"Request failed with configured error status code: {answer.status}")
        return answer


def serve(api, app, settings, invocation):
    """Have the server answer one invocation. A fault, also one in the middle of a stream, is the invocation's."""
    try:
        event = json.loads(invocation.payload)
        request = events.request_of(event, invocation.context(), settings)
        answer = app.ask(request)
        if settings.streams:
            api.stream(invocation, events.prelude_of(answer), pieces_of(answer))
        else:
            api.respond(invocation, events.result_of(answer, answer.read(), event))
    except (OSError, ValueError, http.client.HTTPException, FailingStatusError) as error:
        api.fail(invocation, error)


def pieces_of(answer):
    """Its body as it comes. Raises HTTPException when it ends too early."""
    while piece := answer.read1(PIECE_BYTES):
        yield piece
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)


def main():
    settings = Settings(os.environ)
    api = LambdaApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    identifier = api.register(NAME)
    threading.Thread(target=api.wait_for_end, args=[identifier], daemon=True).start()
    app = WebApp(settings)
    app.wait_until_ready(*([ASYNC_INIT_S] if settings.async_init else []))
    while True:
        invocation = api.next()
        app.wait_until_ready()
        serve(api, app, settings, invocation)


if __name__ == "__main__":
    main()
