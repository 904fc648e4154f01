"""Lambda's Runtime API and Extensions API, as far as an adapter needs them.

"Using the Lambda runtime API for custom runtimes" and "Using the Lambda Extensions API to create extensions" in the AWS
Lambda Developer Guide.
"""

import base64
import http.client
import json
import os

EXTENSION = "/2020-01-01/extension/"
INVOCATION = "/2018-06-01/runtime/invocation/"
ERROR_TYPE, ERROR_BODY = "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"
# A result over the limit: the caller has been told by then.
ACCEPTED = (202, 413)


class Invocation:
    """An event and what is known about it."""

    def __init__(self, payload, headers):
        self.payload = payload
        self.id = headers["Lambda-Runtime-Aws-Request-Id"]
        self._headers = headers

    def context(self):
        """The server's `x-amzn-lambda-context`."""
        return {
            "request_id": self.id,
            "deadline": int(self._headers["Lambda-Runtime-Deadline-Ms"]),
            "invoked_function_arn": self._headers["Lambda-Runtime-Invoked-Function-Arn"],
            "xray_trace_id": self._headers.get("Lambda-Runtime-Trace-Id"),
            "client_context": json.loads(self._headers.get("Lambda-Runtime-Client-Context") or "null"),
            "identity": json.loads(self._headers.get("Lambda-Runtime-Cognito-Identity") or "null"),
            "env_config": {
                "function_name": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
                "memory": int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
                "version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
            },
        }


class LambdaApi:
    """Both APIs at one address. One invocation is worked on at a time, over one connection."""

    def __init__(self, address):
        self._address = address
        self._connection = http.client.HTTPConnection(address)

    def register(self, name):
        """Be an extension of this name, the file's; the identifier."""
        headers = {"Lambda-Extension-Name": name}
        answer = self._ask("POST", EXTENSION + "register", b'{"events": []}', headers)
        if answer.status != 200:
            raise RuntimeError(f"not registered: {answer.status} {answer.body}")
        return answer.headers["Lambda-Extension-Identifier"]

    def wait_for_end(self, identifier):
        """Say that the extension is ready. It asked for no events, so the answer never comes."""
        connection = http.client.HTTPConnection(self._address)
        connection.request("GET", EXTENSION + "event/next", headers={"Lambda-Extension-Identifier": identifier})
        connection.getresponse()

    def next(self):
        """Wait for the next invocation."""
        answer = self._ask("GET", INVOCATION + "next")
        return Invocation(answer.body, answer.headers)

    def respond(self, invocation, result):
        """The invocation's result, as JSON."""
        path = f"{INVOCATION}{invocation.id}/response"
        self._accepted(self._ask("POST", path, json.dumps(result).encode(), {"Content-Type": "application/json"}))

    def fail(self, invocation, error):
        """The invocation's error."""
        path, error_type = f"{INVOCATION}{invocation.id}/error", type(error).__name__
        print(f"{error_type}: {error}", flush=True)
        body = {"errorType": error_type, "errorMessage": str(error)}
        self._accepted(self._ask("POST", path, json.dumps(body).encode(), {ERROR_TYPE: error_type}))

    def stream(self, invocation, prelude, pieces):
        """The invocation's result as it comes: status and headers, eight zero bytes, then the body."""
        connection = self._connection
        connection.putrequest("POST", f"{INVOCATION}{invocation.id}/response")
        connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        connection.putheader("Content-Type", "application/vnd.awslambda.http-integration-response")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("Trailer", f"{ERROR_TYPE}, {ERROR_BODY}")
        connection.endheaders()
        self._send(json.dumps(prelude).encode() + bytes(8))
        trailers = b""
        try:
            for piece in pieces:
                self._send(piece)
        except (OSError, http.client.HTTPException) as error:
            # The status has gone out: all that is left is to say that the rest is missing.
            body = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}).encode()
            trailers = b"%s: %s\r\n" % (ERROR_TYPE.encode(), type(error).__name__.encode())
            trailers += b"%s: %s\r\n" % (ERROR_BODY.encode(), base64.b64encode(body))
        connection.send(b"0\r\n" + trailers + b"\r\n")
        self._accepted(self._read())

    def _send(self, data):
        self._connection.send(b"%x\r\n%s\r\n" % (len(data), data))

    def _ask(self, method, path, body=None, headers=None):
        self._connection.request(method, path, body, headers or {})
        return self._read()

    def _read(self):
        answer = self._connection.getresponse()
        answer.body = answer.read()
        return answer

    def _accepted(self, answer):
        if answer.status not in ACCEPTED:
            raise RuntimeError(f"not accepted: {answer.status} {answer.body}")
