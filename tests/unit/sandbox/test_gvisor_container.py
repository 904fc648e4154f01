import json
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.model.runtime import Runtime
from stoker.sandbox.gvisor_container import configuration, order
from stoker.sandbox.spec import SandboxSpec

PYTHON = Runtime(name="python3.11", kind="python", executable=Path("/usr/bin/python3.11"))
NODE = Runtime(name="nodejs20.x", kind="node", executable=Path("/usr/bin/node"))
PROVIDED = Runtime(name="provided.al2023", kind="provided", executable=None)
SPEC = SandboxSpec(
    runtime=PYTHON,
    handler="app.handler",
    task_root=Path("/code"),
    layers_root=None,
    environment={"A": "1", "PYTHONPATH": "/opt/mine"},
    memory_mb=128,
    ephemeral_mb=512,
    cpus=1.0,
)


def test_python_starts_with_the_handler_and_nothing_of_the_operator_s() -> None:
    argv = order(SPEC)["argv"]
    assert argv[0] == "/usr/bin/python3.11"
    assert {"-I", "-S"} <= set(argv)
    assert argv[-1] == "app.handler"


def test_node_is_told_where_its_channel_is() -> None:
    told = order(replace(SPEC, runtime=NODE))
    assert told["environment"] == {"A": "1", "PYTHONPATH": "/opt/mine", "STOKER_CHANNEL_FD": "3"}
    assert told["argv"][-4] == "/usr/bin/node"
    assert told["argv"][-1] == "/var/runtime/node/index.cjs"


def test_a_custom_runtime_has_entrypoints_to_choose_from() -> None:
    told = order(replace(SPEC, runtime=PROVIDED))
    assert told["entrypoints"] == ["/var/runtime/bootstrap", "/var/task/bootstrap", "/opt/bootstrap"]
    assert "argv" not in told


def test_the_function_has_no_rights_in_its_container() -> None:
    process = configuration(["/bin/x"], {"A": "ü"}, Path("/root-of-it"))["process"]
    assert process["user"] == {"uid": 993, "gid": 993}
    assert process["noNewPrivileges"]
    assert set(map(len, process["capabilities"].values())) == {0}
    assert process["env"] == ["A=ü"]


def test_only_tmp_is_writable_in_the_container() -> None:
    made = configuration(["/bin/x"], {}, Path("/data/root"))
    assert made["root"] == {"path": "/data/root", "readonly": True}
    writable = [mount["destination"] for mount in made["mounts"] if "rw" in mount.get("options", [])]
    assert writable == ["/tmp"]


@pytest.mark.parametrize("runtime", [PYTHON, NODE, PROVIDED])
def test_an_order_can_be_sent_to_the_launcher(runtime: Runtime) -> None:
    assert json.loads(json.dumps(order(replace(SPEC, runtime=runtime))))["environment"]["A"] == "1"
