"""AWS_LAMBDA_EXEC_WRAPPER: programs of functions' own that start their runtimes, on a live server."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.deployment import PYTHON, Deployment, Reply
from fakes.zips import zip_of

pytestmark = pytest.mark.root

SH = "#!/bin/sh\n"
NODE = "nodejs20.x"
STATUS = {"Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", "Seccomp_filters"} | {
    f"Cap{of}" for of in ("Inh", "Prm", "Eff", "Bnd", "Amb")
}
# What AWS's documentation shows: options go before the runtime's program, which comes last.
WITH_OPTIONS = """#!/bin/bash
args=("$@")
export SAID_BY_WRAPPER="$# for $0"
exec "${args[@]:0:$#-1}" -X mine=yes "${args[@]: -1}"
"""
HANDLER = """
import ctypes, logging, os, resource, sys, time

time.sleep(0.05)  # an init that would be worth a template

def handler(event, context):
    return globals()[event](context)

def start(context):
    return {"options": sys._xoptions, "said": os.environ.get("SAID_BY_WRAPPER"), "path": sys.path,
            "id": context.aws_request_id, "left_ms": context.get_remaining_time_in_millis(),
            "stoker": [name for name in sys.modules if name.startswith("stoker")]}

def raises(context):
    raise KeyError("gone")

def large(context):
    return "x" * (7 << 20)

def logs(context):
    logging.getLogger().warning("warned")
    print("printed\\non two lines")

def rights(context):
    libc = ctypes.CDLL(None, use_errno=True)
    tries = [libc.unshare(0x10000000), libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.setuid(0)]
    with open("/proc/self/oom_score_adj") as file:
        score = file.read()
    return {"status": status(), "tries": tries, "score": score, "host": os.path.exists("/etc/shadow"),
            "limits": [resource.getrlimit(number) for number in range(16)]}

def status():
    with open("/proc/self/status") as file:
        kept = ("Uid", "Gid", "Groups", "Cap", "NoNewPrivs", "Seccomp")
        return [line.split() for line in file if line.startswith(kept)]
"""
PRYING = """#!/bin/bash
grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)' /proc/self/status | tr '\\t' ' '
echo sockets $(ls -l /proc/$$/fd | grep -c socket:)
echo variables $(env | grep -c STOKER)
ls /etc/shadow /proc/1/fd 2>&1
exec "$@"
"""


@pytest.fixture
def wrapped(lambda_client: Any) -> Iterator[Callable[..., str]]:
    """Deploys a function with a wrapper at /var/task/wrapper; its name."""
    deployment, made = Deployment(lambda_client), []

    def deploy(wrapper: str | None, files: dict[str, str] | None = None, **configuration: Any) -> str:
        package = zip_of(
            {"app.py": HANDLER, **(files or {})},
            configuration.pop("links", None),
            {"wrapper": wrapper} if wrapper else {},
        )
        environment = {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}}
        made.append(deployment.deploy(package, **{"Environment": environment, **configuration}))
        return made[-1]

    yield deploy
    for name in made:
        lambda_client.delete_function(FunctionName=name)


@pytest.fixture
def ask(lambda_client: Any) -> Callable[..., Reply]:
    return Deployment(lambda_client).invoke


@pytest.fixture
def log_of(logs_client: Any) -> Callable[[str], list[str]]:
    def read(name: str) -> list[str]:
        found = logs_client.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        return [event["message"].rstrip("\n") for event in found]

    return read


def test_it_gets_the_runtime_s_command_and_may_change_it(wrapped: Any, ask: Any, log_of: Any) -> None:
    name = wrapped(WITH_OPTIONS)
    first = ask(name, "start")
    assert first.value["options"] == {"mine": "yes"}
    assert first.value["said"] == "2 for /var/task/wrapper"
    assert first.value["id"] == first.request_id
    assert 10_000 < first.value["left_ms"] <= 30_000
    path = first.value["path"]
    assert path[:4] == ["/var/task", f"/opt/python/lib/{PYTHON}/site-packages", "/opt/python", "/var/runtime"]
    assert not [entry for entry in path[4:] if entry.endswith("-packages")]
    assert first.value["stoker"] == []
    ask(name, "start")
    started = [line for line in log_of(name) if line.startswith("INIT_START")]
    assert [line.rpartition("\t")[2] for line in started] == ["Template: refused, its runtime is started by a wrapper"]


def test_results_errors_and_logs_are_those_of_any_function(wrapped: Any, ask: Any) -> None:
    name = wrapped(SH + 'exec "$@"\n')
    error = ask(name, "raises")
    assert (error.error, error.value["errorMessage"]) == ("KeyError", "'gone'")
    assert error.value["stackTrace"][0].startswith('  File "/var/task/app.py", line ')
    assert ask(name, "large").error == "Function.ResponseSizeTooLarge"
    lines = ask(name, "logs").log.splitlines()
    assert "printed" in lines and "on two lines" in lines
    assert [line for line in lines if line.startswith("[WARNING]\t") and line.endswith("\twarned")]


def test_it_may_choose_another_handler_bring_a_sitecustomize_and_stay(wrapped: Any, ask: Any) -> None:
    files = {
        "other.py": "import os\ndef begin(event, context): return os.environ['CUSTOM']\n",
        "tools/sitecustomize.py": "import os\nos.environ['CUSTOM'] = 'by sitecustomize'\n",
    }
    stays = SH + 'export _HANDLER=other.begin PYTHONPATH="/var/task/tools:$PYTHONPATH"\n"$@"\n'
    assert ask(wrapped(stays, files), None).value == "by sitecustomize"


def test_a_module_that_is_not_there_is_named(wrapped: Any, ask: Any) -> None:
    assert ask(wrapped(SH + 'exec "$@"\n', Handler="absent.handler")).error == "Runtime.ImportModuleError"


@pytest.mark.parametrize(
    ("wrapper", "files", "status", "said"),
    [
        (None, {}, 127, "/var/task/wrapper: does not exist"),
        (None, {"wrapper/file": ""}, 127, "/var/task/wrapper: does not exist"),
        (None, {"wrapper": SH}, 126, "/var/task/wrapper: is not an executable"),
        (SH + "echo on my own\nexit 3\n", {}, 3, "on my own"),
    ],
)
def test_a_runtime_that_is_not_started_is_told(
    wrapped: Any, ask: Any, log_of: Any, wrapper: str | None, files: dict[str, str], status: int, said: str
) -> None:
    name = wrapped(wrapper, files)
    reply = ask(name, "start")
    assert reply.error == "Runtime.ExitError"
    assert reply.value["errorMessage"].endswith(f" Error: Runtime exited with error: exit status {status}")
    assert said in log_of(name)


def test_it_has_no_more_rights_than_the_function_without_it(wrapped: Any, ask: Any, log_of: Any) -> None:
    plain = wrapped(None, Environment={})
    name = wrapped(PRYING)
    expected = ask(plain, "rights").value
    assert ask(name, "rights").value == expected
    assert expected["tries"] == [-1, -1, -1] and not expected["host"]
    lines = log_of(name)
    assert [line.split() for line in lines if line.split()[0].rstrip(":") in STATUS] == expected["status"]
    # The platform's channel was closed.
    assert {"sockets 0", "variables 0"} <= set(lines)
    assert "ls: cannot access '/etc/shadow': No such file or directory" in lines
    assert "ls: cannot open directory '/proc/1/fd': Permission denied" in lines


def test_a_program_of_the_host_is_not_there(wrapped: Any, ask: Any, log_of: Any, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(SH + 'exec "$@"\n')
    for place in (program, *program.parents[:-2]):
        place.chmod(0o755)
    name = wrapped(None, Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": str(program)}})
    assert ask(name, "start").error == "Runtime.ExitError"
    assert f"{program}: does not exist" in log_of(name)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_node_is_started_by_it(wrapped: Any, ask: Any) -> None:
    code = (
        "exports.handler = async (event, context) => (\n"
        "  { options: process.execArgv, said: process.env.SAID_BY_WRAPPER, id: context.awsRequestId, event });\n"
    )
    wrapper = WITH_OPTIONS.replace("-X mine=yes", "--stack-trace-limit=77")
    name = wrapped(wrapper, {"index.js": code}, Runtime=NODE, Handler="index.handler")
    reply = ask(name, 1)
    assert reply.value["options"][-1] == "--stack-trace-limit=77"
    assert (reply.value["event"], reply.value["id"]) == (1, reply.request_id)
    assert reply.value["said"] == "4 for /var/task/wrapper"
