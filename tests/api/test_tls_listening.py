"""TLS on the operator's port, and where Stoker does not listen without it."""

import json
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import SSLError

from fakes.certificates import make_certificate
from fakes.command_line import stoker
from fakes.deployment import Deployment
from fakes.live_server import STOKER, LiveServer, free_port

pytestmark = pytest.mark.root
HELLO = "def handler(event, context):\n    return event\n"


def test_clients_that_trust_the_certificate_come_in_and_a_function_runs(own_server: LiveServer) -> None:
    certificate, key = make_certificate(own_server.data)
    own_server.certificate = certificate
    own_server.options = ["--tls-cert", str(certificate), "--tls-key", str(key)]
    own_server.start()
    functions = Deployment(own_server.client("lambda"))
    assert functions.invoke(functions.deploy(HELLO), {"large": "x" * 1_000_000}).value == {"large": "x" * 1_000_000}
    (own_server.data / "other").mkdir()
    own_server.certificate, _ = make_certificate(own_server.data / "other")
    with pytest.raises(SSLError):
        own_server.client("sts").get_caller_identity()


def test_the_command_finds_the_certificate_that_its_server_signed_itself(own_server: LiveServer) -> None:
    certificate, key = make_certificate(own_server.data)
    own_server.certificate = certificate
    own_server.options = ["--tls-cert", str(certificate), "--tls-key", str(key)]
    own_server.start()
    environment = {name: value for name, value in own_server.env.items() if not name.startswith("AWS_")}
    assert json.loads(stoker(environment, "list", "--json").stdout) == []
    shown = json.loads(stoker(environment, "credentials", "--json").stdout)
    assert shown["AWS_CA_BUNDLE"] == str(own_server.data / "certificate.pem")
    assert shown["AWS_ENDPOINT_URL"].startswith("https://")
    stoker(environment, "audit")


def test_it_does_not_listen_for_others_without_tls_unless_told_to(tmp_path: Path) -> None:
    command = [STOKER, "up", "--data", tmp_path, "--port", str(free_port()), "--host", "0.0.0.0"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert refused.returncode == 1
    assert "--tls-cert" in refused.stderr and "--insecure" in refused.stderr
    assert "ENFORCED" not in refused.stderr
    refused = subprocess.run([*command, "--no-iam-enforcement"], capture_output=True, text=True, timeout=300)
    assert "IAM IS NOT ENFORCED" in refused.stderr


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    command = [
        STOKER,
        "up",
        "--data",
        tmp_path,
        "--port",
        str(free_port()),
        "--tls-cert",
        key,
        "--tls-key",
        certificate,
    ]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert refused.returncode == 1 and "cannot serve TLS with" in refused.stderr
    lonely = subprocess.run([*command[:-2]], capture_output=True, text=True, timeout=300)
    assert lonely.returncode == 2 and "--tls-key" in lonely.stderr
