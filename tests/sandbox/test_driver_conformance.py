"""What every sandbox driver promises (`stoker.sandbox.driver`), held against each of them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from driver_suite import (
    DRIVERS,
    HANDLERS,
    NODE,
    NODE_RUNTIME,
    PROVIDED_RUNTIME,
    RUNSC,
    House,
    Started,
    family,
    spec,
)

from fakes.cgroup_tree import groups_below, groups_called
from fakes.waiting import eventually, eventually_none
from stoker.bootstrap import frames
from stoker.sandbox.driver import SandboxError

pytestmark = [pytest.mark.root, pytest.mark.slow]

NODE_HANDLER = """
const { readFileSync } = require('fs');
exports.handler = async (event) => ({ said: event.with[0], stdin: readFileSync(0, 'utf8') });
"""
ASKING_BOOTSTRAP = """#!/bin/bash
exec 5<>/dev/tcp/127.0.0.1/9001
printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&5
read -r line <&5
exit 7
"""

# A process that runs one sandbox of a driver until it is killed.
OWNER = Path(__file__).parent / "driver_owner.py"

StartProbe = Callable[..., Started]


@pytest.fixture(scope="module", params=list(DRIVERS))
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    if request.param == "gvisor" and RUNSC is None:
        pytest.skip("runsc is not installed")
    house = House(request.param, tmp_path_factory.mktemp("data"))
    yield house
    house.close()


@pytest.fixture
def task_root(tmp_path: Path) -> Path:
    root = tmp_path / "task"
    root.mkdir(mode=0o755)
    shutil.copy(HANDLERS / "probe.py", root)
    return root


@pytest.fixture
def start(house: House, task_root: Path) -> Iterator[StartProbe]:
    """Starts a sandbox; those of Python are waited for until they ask for work."""
    started: list[Started] = []

    def begin(wait: bool = True, **changes: Any) -> Started:
        started.append(house.start(spec(task_root, **changes)))
        if wait:
            assert started[-1].receive()[0] == frames.NEXT
        return started[-1]

    yield begin
    for one in started:
        one.close()


def test_a_function_answers_one_event_after_the_other(start: StartProbe) -> None:
    probe = start()
    assert [probe.ask("echo", text) for text in ("one", "two", "ü" * 100_000)] == ["one", "two", "ü" * 100_000]


def test_what_it_prints_arrives_while_it_runs(start: StartProbe) -> None:
    probe = start()
    assert probe.output() == "imported\n"
    probe.ask("say", "grüß dich \udcff")
    assert probe.output() == "grüß dich \udcff".encode(errors="surrogateescape").decode(errors="replace") + "\n"


def test_modules_are_looked_for_in_the_order_of_aws(start: StartProbe) -> None:
    library = sysconfig.get_paths()["stdlib"]
    archive = str(Path(library).parent / f"python{sys.version_info[0]}{sys.version_info[1]}.zip")
    layers = [f"/opt/python/lib/{Path(library).name}/site-packages", "/opt/python"]
    interpreter_s = [archive, library, f"{library}/lib-dynload"]
    assert start().ask("module_path") == ["/var/task", *layers, "/var/runtime", *interpreter_s]


def test_the_function_does_not_meet_the_platform_s_modules(start: StartProbe) -> None:
    assert start().ask("platform_modules") == []


def test_it_is_an_unprivileged_user_in_its_task_root(start: StartProbe) -> None:
    probe = start()
    assert probe.ask("identity") == {"uid": 993, "gid": 993, "groups": [], "cwd": "/var/task"}
    privileges = probe.ask("privileges")
    assert {int(value, 16) for name, value in privileges.items() if name.startswith("Cap")} == {0}
    assert privileges.get("NoNewPrivs", "1") == "1"


def test_the_host_s_files_are_not_there(start: StartProbe, tmp_path: Path) -> None:
    probe = start()
    secret = tmp_path / "secret"
    secret.write_text("x")
    hidden = [str(secret), "/etc/shadow", "/etc/hostname", "/sys/fs/cgroup/memory", "/home", "/var/lib", "/run/lock"]
    assert probe.ask("exists", *hidden) == [False] * len(hidden)
    shown = ["/var/task/probe.py", "/var/runtime/awslambdaric", "/etc/passwd", "/dev/null"]
    assert probe.ask("exists", *shown) == [True] * len(shown)


def test_only_tmp_can_be_written_to(start: StartProbe) -> None:
    probe = start()
    assert probe.ask("write", "/tmp/x") == "written"
    refused = [probe.ask("write", path) for path in ("/var/task/x", "/usr/x", "/x", "/etc/passwd", "/var/runtime/x")]
    assert set(refused) <= {"Read-only file system", "Permission denied"}


def test_only_its_own_processes_are_in_view(start: StartProbe) -> None:
    first, second = start(), start()
    assert len(first.ask("processes")) <= 3
    assert len(second.ask("processes")) <= 3


def test_layers_are_at_opt(start: StartProbe, tmp_path: Path) -> None:
    layers = tmp_path / "layers"
    (layers / "python").mkdir(parents=True)
    (layers / "python" / "shared.py").write_text("")
    assert start(layers_root=layers).ask("exists", "/opt/python/shared.py") == [True]


def test_the_runtime_api_is_at_9001_and_the_host_s_loopback_is_not_there(start: StartProbe) -> None:
    probe = start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert probe.ask("connect", server.getsockname()[1]) == "Connection refused"
    assert probe.ask("connect", 9001) == "connected"
    probe.accept().close()


def test_memory_is_measured(start: StartProbe) -> None:
    probe = start()
    before = probe.sandbox.usage().max_memory_bytes
    assert 0 < before < 100 << 20
    probe.ask("eat", 100)
    assert before + (90 << 20) < probe.sandbox.usage().max_memory_bytes <= 256 << 20


def test_more_memory_than_its_own_ends_it(start: StartProbe) -> None:
    probe = start(memory_mb=128)
    probe.send("eat", 200)
    status = probe.exit_status()
    assert status.out_of_memory
    assert status.signal == signal.SIGKILL


def test_its_own_memory_is_really_there(start: StartProbe) -> None:
    assert start(memory_mb=128).ask("eat", 90) == 90


def test_frozen_it_stands_still_and_thawed_it_goes_on(start: StartProbe) -> None:
    probe = start()
    probe.ask("start_ticking")
    probe.sandbox.freeze()
    probe.sandbox.freeze()
    probe.send("ticked")
    with pytest.raises(TimeoutError):
        probe.receive(patience_s=1.0)
    probe.sandbox.thaw()
    before, longest_pause_s = probe.receive()[2]
    # A thread that went on would have ticked every millisecond of the second that it was frozen.
    assert longest_pause_s > 0.8
    eventually(lambda: probe.ask("ticked")[0] > before, "it ticks again")


@pytest.mark.parametrize("code", [0, 1, 3, 127])
def test_an_exit_code_is_reported(start: StartProbe, code: int) -> None:
    probe = start()
    probe.send("leave", code)
    status = probe.exit_status()
    assert (status.code, status.signal, status.out_of_memory) == (code, None, False)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_signal_that_ended_it_is_reported(start: StartProbe, number: signal.Signals) -> None:
    probe = start()
    probe.send("kill_itself", number)
    status = probe.exit_status()
    assert (status.code, status.signal, status.out_of_memory) == (None, number, False)


def test_it_can_be_told_to_end(start: StartProbe) -> None:
    probe = start()
    probe.sandbox.terminate()
    assert probe.exit_status().signal == signal.SIGTERM


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_a_node_function_answers_and_has_nothing_on_its_standard_input(start: StartProbe, task_root: Path) -> None:
    (task_root / "probe.js").write_text(NODE_HANDLER)
    assert start(runtime=NODE_RUNTIME).ask("echo", "hello") == {"said": "hello", "stdin": ""}


def test_a_bootstrap_asks_the_runtime_api_for_work(start: StartProbe, task_root: Path) -> None:
    (task_root / "bootstrap").write_text(ASKING_BOOTSTRAP)
    (task_root / "bootstrap").chmod(0o755)
    custom = start(wait=False, runtime=PROVIDED_RUNTIME)
    with custom.accept() as connection:
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += connection.recv(1000)
        assert asked.startswith(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n")
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
    with pytest.raises(EOFError):
        custom.receive()
    assert custom.exit_status().code == 7


def test_a_wrapper_starts_the_runtime_which_comes_by_http(start: StartProbe, task_root: Path) -> None:
    (task_root / "wrapper").write_text('#!/bin/sh\nexec "$@"\n')
    (task_root / "wrapper").chmod(0o755)
    variables = {**spec(task_root).environment, "AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}
    wrapped = start(wait=False, environment=variables)
    with wrapped.accept() as connection:
        assert connection.recv(1000).startswith(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n")


def test_a_script_finds_the_runtime_s_interpreter(start: StartProbe) -> None:
    ran = start().ask("run", "/var/lang/bin/python", "-c", "import sys; print(sys.executable, sys.version)")
    assert ran == f"/var/lang/bin/python {sys.version}\n"


def test_a_wrapper_that_is_not_there_is_named(start: StartProbe, task_root: Path) -> None:
    variables = {**spec(task_root).environment, "AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}
    wrapped = start(wait=False, environment=variables)
    assert wrapped.output() == "/opt/wrapper: does not exist\n"
    assert wrapped.exit_status().code == 127


def test_a_bootstrap_that_is_not_there_is_named(start: StartProbe, task_root: Path) -> None:
    (task_root / "bootstrap").symlink_to("/usr/bin/of-the-host")
    custom = start(wait=False, runtime=PROVIDED_RUNTIME)
    kind, meta, body = custom.receive()
    assert (kind, meta) == (frames.INIT_ERROR, {"type": "Runtime.InvalidEntrypoint"})
    assert "Couldn't find valid bootstrap(s): [/var/runtime/bootstrap /var/task/bootstrap" in body["errorMessage"]
    assert custom.exit_status().code == 1


def test_closing_leaves_no_process_mount_or_cgroup(start: StartProbe, house: House) -> None:
    start()  # whatever helpers there will be are there now
    before = house.processes(), mounts(), cgroups_of_this_process()
    another = house.start(spec(HANDLERS))
    another.receive()
    assert house.processes() > before[0]
    another.close()
    house.run(another.sandbox.close())
    assert (house.processes(), mounts(), cgroups_of_this_process()) == before


def test_a_running_one_is_closed_frozen_or_not(start: StartProbe) -> None:
    probe = start()
    probe.sandbox.freeze()
    probe.house.run(probe.sandbox.close())
    assert probe.exit_status().signal == signal.SIGKILL


def test_code_that_is_not_there_is_an_error_of_the_sandbox(house: House, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"probe\.handler"):
        house.start(spec(tmp_path / "nowhere"))


@pytest.mark.parametrize("name", list(DRIVERS))
def test_a_killed_owner_leaves_no_process_and_the_next_sweeps_its_cgroups(name: str, tmp_path: Path) -> None:
    if name == "gvisor" and RUNSC is None:
        pytest.skip("runsc is not installed")
    owner = subprocess.Popen([sys.executable, OWNER, name, tmp_path], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner, owner.stdout:
        assert owner.stdout.readline() == "running\n"
        everybody = family(owner.pid)
        owner.kill()
    eventually_none(lambda: [str(pid) for pid in everybody if Path(f"/proc/{pid}").exists()], "a process of its")
    House(name, tmp_path).close()
    assert [path for path in groups_called("stoker") if f"-{owner.pid}-" in path.name] == []


def mounts() -> list[str]:
    """The machine's, without those of tests that run beside this one."""
    return [line for line in Path("/proc/mounts").read_text().splitlines() if not line.startswith("stoker-test ")]


def cgroups_of_this_process() -> list[str]:
    own = [path for path in groups_called("stoker-") if f"-{os.getpid()}-" in path.name]
    return sorted(str(path) for top in own for path in (top, *groups_below(top)))
