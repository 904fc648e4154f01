"""The official Python runtime client, unmodified, over HTTP: a custom runtime that vendors the package."""

import importlib.util
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fakes.deployment import Deployment
from fakes.zips import entry

pytestmark = pytest.mark.root

VENDORED = ("awslambdaric", "simplejson", "snapshot_restore_py", "runtime_client")
SYSTEM_PYTHON = "/usr/bin/python3"
BOOTSTRAP = f"#!/bin/sh\nPYTHONPATH=/var/task exec {SYSTEM_PYTHON} -m awslambdaric app.handler\n"
HANDLER = """
import os

def handler(event, context):
    if event == "fail":
        raise KeyError("no such thing")
    print("a line")
    return {
        "event": event,
        "id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "left": context.get_remaining_time_in_millis() > 0,
        "trace": os.environ["_X_AMZN_TRACE_ID"],
    }
"""


def vendored() -> bytes:
    """The package as pip installed it, a handler and a bootstrap."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry("bootstrap", 0o100755), BOOTSTRAP)
        archive.writestr(entry("app.py", 0o100644), HANDLER)
        for name in VENDORED:
            spec = importlib.util.find_spec(name)
            assert spec is not None
            assert spec.origin is not None
            origin = Path(spec.origin)
            files = sorted(origin.parent.rglob("*")) if spec.submodule_search_locations else [origin]
            for file in files:
                if file.is_file() and file.suffix != ".pyc":
                    name_in_zip = str(file.relative_to(origin.parent.parent if len(files) > 1 else origin.parent))
                    archive.writestr(entry(name_in_zip, 0o100644), file.read_bytes())
    return buffer.getvalue()


def same_python() -> bool:
    """Whether the system's Python takes this one's compiled modules."""
    if not os.path.exists(SYSTEM_PYTHON):
        return False
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    said = subprocess.run([SYSTEM_PYTHON, "-c", ask], capture_output=True, text=True, timeout=120, check=True).stdout
    return said.strip() == "{}.{}".format(*sys.version_info[:2])


@pytest.mark.skipif(not same_python(), reason="the system's Python does not take the package's compiled module")
def test_the_official_client_serves_invocations_errors_and_the_next_ones(functions: Deployment) -> None:
    name = functions.deploy(vendored(), Runtime="provided.al2023", Handler="app.handler", Timeout=20)
    first = functions.invoke(name, {"n": 1})
    assert first.value["event"] == {"n": 1}
    assert first.value["id"] == first.request_id
    assert first.value["arn"].endswith(f":function:{name}")
    assert first.value["left"] is True
    assert first.value["trace"].startswith("Root=1-")
    assert "a line" in first.log
    failed = functions.invoke(name, "fail")
    assert (failed.error, failed.value["errorMessage"]) == ("KeyError", "'no such thing'")
    assert functions.invoke(name, 2).value["event"] == 2
    functions.client.delete_function(FunctionName=name)
