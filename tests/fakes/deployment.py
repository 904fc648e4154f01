"""Functions on a live server, deployed and invoked with plain boto3."""

import base64
import json
import re
import textwrap
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fakes.zips import zip_of

ROLE = "arn:aws:iam::000000000000:role/e2e"
PYTHON = "python3.11"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What an invocation gave: its value, the error it named, its log's end, and its request id."""

    value: Any
    error: str | None
    log: str
    request_id: str

    @property
    def report(self) -> dict[str, str]:
        """The REPORT line's figures by name."""
        line = next(line for line in self.log.splitlines() if line.startswith("REPORT"))
        return dict(re.findall(r"([A-Z][A-Za-z ]+): ([^\t]+)", line))


class Deployment:
    """Deploys handlers under names of their own and invokes them; `client` is boto3's for Lambda."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def deploy(self, code: str | bytes | Mapping[str, str | bytes], **configuration: Any) -> str:
        """A function, active: from a module's text (`app.handler`), from files, or from a zip. Its name."""
        name = configuration.pop("FunctionName", f"e2e-{uuid.uuid4().hex[:12]}")
        defaults = {"Runtime": PYTHON, "Handler": "app.handler", "Role": ROLE, "Timeout": 30, "MemorySize": 256}
        self.client.create_function(FunctionName=name, Code={"ZipFile": package(code)}, **{**defaults, **configuration})
        self.wait_active(name)
        return str(name)

    def wait_active(self, name: str) -> None:
        self.client.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 2000}
        )

    def wait_updated(self, name: str) -> None:
        self.client.get_waiter("function_updated_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 2000}
        )

    def invoke(self, name: str, event: Any = None, **params: Any) -> Reply:
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail", **params)
        value = json.loads(answer["Payload"].read() or b"null")
        return Reply(
            value=value,
            error=value["errorType"] if "FunctionError" in answer else None,
            log=base64.b64decode(answer["LogResult"]).decode(errors="replace"),
            request_id=answer["ResponseMetadata"]["RequestId"],
        )


def package(code: str | bytes | Mapping[str, str | bytes]) -> bytes:
    """A zip of a module's text (as app.py, dedented) or of files; a zip as it is."""
    if isinstance(code, bytes):
        return code
    return zip_of({"app.py": textwrap.dedent(code)} if isinstance(code, str) else code)
