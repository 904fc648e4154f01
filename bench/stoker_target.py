"""Stoker as a user starts it: `stoker up`, functions deployed with boto3, requests signed with SigV4."""

import hashlib
import io
import json
import secrets
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from load import Endpoint, http_request
from target import Server, free_port

REGION = "us-east-1"
PAYLOAD = b'{"name": "bench"}'
ROLE = "arn:aws:iam::000000000000:role/bench"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ACTIONS = ["sqs:*", "kinesis:*", "dynamodb:*"]
READS_SOURCES = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ACTIONS, "Resource": "*"}]}


def zipped(filename: str, source: str) -> bytes:
    """A package of one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(filename, source)
    return buffer.getvalue()


class Stoker:
    """A running Stoker with a data directory of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.server = Server("stoker")
        self._has_role = False
        self._credentials = Credentials(f"AKIA{secrets.token_hex(8).upper()}", secrets.token_hex(20))

    def start(self) -> None:
        self.server.start(
            [
                str(Path(sys.executable).parent / "stoker"),
                "up",
                "--data",
                str(self.data),
                "--port",
                str(self.port),
            ],
            {
                "STOKER_ACCESS_KEY": self._credentials.access_key,
                "STOKER_SECRET_KEY": self._credentials.secret_key,
            },
            f"{self._url}/_stoker/health",
        )
        self._client = self.client("lambda")
        if not self._has_role:
            role = ROLE.rpartition("/")[2]
            iam = self.client("iam")
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(TRUST))
            iam.put_role_policy(RoleName=role, PolicyName="sources", PolicyDocument=json.dumps(READS_SOURCES))
            self._has_role = True

    def stop(self) -> None:
        """It may be started again on the same data."""
        self.server.stop()

    @property
    def keys(self) -> tuple[str, str]:
        """The access key and its secret."""
        return self._credentials.access_key, self._credentials.secret_key

    @property
    def data(self) -> Path:
        return self.server.directory / "data"

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self._url,
            aws_access_key_id=self._credentials.access_key,
            aws_secret_access_key=self._credentials.secret_key,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
        )

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def deploy(
        self, name: str, source: str, *, runtime: str, suffix: str, tags: Mapping[str, str] | None = None
    ) -> str:
        """Create a function and wait until it is active; returns the hex digest of its code, which is its own alone."""
        comment = "//" if suffix == ".js" else "#"
        package = zipped(f"hello{suffix}", f"{source}\n{comment} {name}\n")
        self.deploy_package(name, package, runtime=runtime, tags=tags)
        return hashlib.sha256(package).hexdigest()

    def deploy_package(
        self, name: str, package: bytes, *, runtime: str, memory_mb: int = 128, tags: Mapping[str, str] | None = None
    ) -> None:
        """Create a function of a whole zip with `hello.handler` in it, and wait until it is active."""
        self._client.create_function(
            FunctionName=name,
            Runtime=runtime,
            Role=ROLE,
            Handler="hello.handler",
            Code={"ZipFile": package},
            MemorySize=memory_mb,
            Timeout=30,
            Tags=tags or {},
        )
        self._client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})

    def delete(self, name: str) -> None:
        self._client.delete_function(FunctionName=name)

    def invoke(self, name: str) -> Any:
        """One invocation with boto3, outside of every measurement; returns its result."""
        answer = self._client.invoke(FunctionName=name, Payload=PAYLOAD)
        return json.load(answer["Payload"])

    def endpoint(self, name: str) -> Endpoint:
        """Its Invoke request, signed now."""
        path = f"/2015-03-31/functions/{name}/invocations"
        return Endpoint(port=self.port, request=self.signed("POST", path, PAYLOAD))

    def signed(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
        """A request of Lambda's API, signed now."""
        whole = {"Host": f"127.0.0.1:{self.port}", **(headers or {})}
        request = AWSRequest(method, self._url + path, data=body, headers=whole)
        SigV4Auth(self._credentials, "lambda", REGION).add_auth(request)
        return http_request(method, path, body, dict(request.headers))

    def close(self) -> None:
        self.server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
