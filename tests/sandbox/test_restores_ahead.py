"""Processes that have a template's memory before anybody needs them: theirs who takes them, and nobody's until then."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from driver_suite import PYTHON_RUNTIME, House, Started, spec

from fakes.waiting import eventually
from stoker.bootstrap.memory_image import ORDER_DESCRIPTOR
from stoker.linux.available_memory import AvailableMemory
from stoker.linux.huge_pages import FAULT_BYTES
from stoker.sandbox.blank import Blank
from stoker.sandbox.driver import SandboxError, SnapshotStaleError
from stoker.sandbox.linux_driver import LinuxDriver
from stoker.sandbox.snapshot import Snapshot

pytestmark = pytest.mark.root
HANDLER = """
import os
import resource
import snapshot_restore_py
CALLS = []
MEMORY = [bytearray(4096) for _ in range(1000)]
READ_ONLY = b"x" * (16 << 20)

def in_child():
    os.write(1, b"its code runs\\n")
    {in_child}


os.register_at_fork(after_in_child=in_child)


@snapshot_restore_py.register_after_restore
def hook():
    os.write(1, ("its hook runs for " + os.environ["GREETING"]).encode())
    {hook}


def handler(event, context):
    CALLS.append(event)
    if event["do"] == "read":
        READ_ONLY[::4096]
    return {{
        "variables": dict(os.environ),
        "calls": len(CALLS),
        "files": os.listdir("/tmp"),
        "faults": resource.getrusage(resource.RUSAGE_SELF).ru_minflt,
    }}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House("linux", tmp_path_factory.mktemp("data"), blanks=2)
    yield house
    house.close()


def driver_of(house: House) -> LinuxDriver:
    assert isinstance(house.driver, LinuxDriver)
    return house.driver


class Template:
    """A function's memory after its init, and starts from it."""

    def __init__(self, house: House, folder: Path, *, in_child: str = "pass", hook: str = "pass") -> None:
        folder.chmod(0o755)
        (folder / "probe.py").write_text(HANDLER.format(in_child=in_child, hook=hook))
        self.house = house
        made = house.start(spec(folder, PYTHON_RUNTIME, to_snapshot=True))
        made.receive()
        self.snapshot: Snapshot = house.run(made.sandbox.snapshot())
        made.close()
        self.spec = spec(folder, PYTHON_RUNTIME, snapshot=self.snapshot)

    def start(self, **variables: str) -> Started:
        return self.house.start(replace(self.spec, environment={**self.spec.environment, **variables}))

    def use(self, do: str = "look", **variables: str) -> Any:
        """What the first invocation in a new sandbox says."""
        started = self.start(**variables)
        started.receive()
        said = started.ask(do)
        started.close()
        return said

    def let_go(self) -> None:
        async def close() -> None:
            self.snapshot.close()

        self.house.run(close())

    def waiting(self) -> Blank:
        """The process that waits, once there is one and it stands."""

        async def there() -> Blank:
            async with asyncio.timeout(30):
                while not list(driver_of(self.house)._restores):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            return next(iter(driver_of(self.house)._restores))

        blank = self.house.run(there())
        reads = Path(f"/proc/{worker_of(blank)}/syscall")
        eventually(
            lambda: reads.read_text().startswith(f"0 {ORDER_DESCRIPTOR:#x} "), "it waits for the rest of its order"
        )
        return blank


@pytest.fixture
def template(house: House, tmp_path: Path) -> Iterator[Template]:
    template = Template(house, tmp_path)
    yield template
    template.let_go()


def worker_of(blank: Blank) -> int:
    return int(Path(f"/proc/{blank.pid}/task/{blank.pid}/children").read_text().split()[0])


def faults_of(blank: Blank) -> int:
    return int(Path(f"/proc/{worker_of(blank)}/stat").read_text().rpartition(")")[2].split()[7])


def test_the_next_start_takes_it_and_it_is_the_same_as_one_made_then(template: Template) -> None:
    first = template.use(GREETING="one", AWS_SESSION_TOKEN="first")
    waiting = template.waiting()
    started = template.start(GREETING="two")
    assert started.sandbox.id.endswith(f"-{waiting.pid}")
    started.receive()
    second = started.ask("look")
    started.close()
    assert (second["variables"]["GREETING"], "AWS_SESSION_TOKEN" in second["variables"]) == ("two", False)
    for said in (first, second):
        del said["variables"], said["faults"]
    assert first == second == {"calls": 1, "files": ["lost+found"] if "lost+found" in first["files"] else []}


def test_nothing_of_the_functions_runs_until_it_is_taken(template: Template) -> None:
    template.use()
    waiting = template.waiting()
    with pytest.raises(BlockingIOError):
        os.read(waiting.output, 100)
    assert waiting.cpu_s() == waiting.cpu_s()
    started = template.start(GREETING="its caller")
    started.receive()
    assert started.output() == "its code runs\nits hook runs for its caller"
    started.close()


def test_it_has_at_hand_what_a_rehearsal_wrote_to(template: Template) -> None:
    template.snapshot.rehearsed = True
    template.use()
    before = faults_of(template.waiting())
    unprepared = template.use()["faults"] - before
    template.snapshot.rehearsed = False
    template.house.run(driver_of(template.house)._restores._rehearse(template.spec, template.snapshot))
    template.use()
    before = faults_of(template.waiting())
    assert template.use()["faults"] - before < unprepared / 2


def test_all_of_its_memory_is_mapped_where_the_machine_has_huge_pages(template: Template) -> None:
    if len(template.snapshot.looks) * FAULT_BYTES < template.snapshot.size_bytes * 3 // 4:
        pytest.skip("the machine has no huge pages for memory files, which take Linux 6.1, or not enough")
    template.use()
    before = faults_of(template.waiting())
    looking = template.use()["faults"] - before
    before = faults_of(template.waiting())
    reading = template.use("read")["faults"] - before
    # To read 16 MB is 256 faults more, sixteen pages each, where nothing is mapped.
    assert reading < looking + 128


def test_a_template_that_is_let_go_takes_it_along(template: Template) -> None:
    template.use()
    waiting = template.waiting()
    template.let_go()
    template.house.run(asyncio.wait_for(asyncio.shield(waiting.ended), 10))
    assert not list(driver_of(template.house)._restores)
    with pytest.raises(SnapshotStaleError):
        template.start()


def test_a_process_that_cannot_be_made_is_an_error_that_is_expected(template: Template, tmp_path: Path) -> None:
    template.spec = replace(template.spec, task_root=tmp_path / "gone")
    with pytest.raises(SandboxError, match="could not be built"):
        template.start()


def test_one_that_was_killed_while_it_waited_is_not_missed(template: Template) -> None:
    template.use()
    waiting = template.waiting()
    os.kill(worker_of(waiting), 9)
    eventually(lambda: not waiting.alive, "it is dead")
    assert template.use(GREETING="well")["variables"]["GREETING"] == "well"


def test_when_memory_is_short_none_is_kept_or_made(template: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    template.use()
    waiting = template.waiting()

    async def shed() -> bool:
        return driver_of(template.house).shed()

    assert template.house.run(shed())
    template.house.run(asyncio.wait_for(asyncio.shield(waiting.ended), 10))
    monkeypatch.setattr(AvailableMemory, "__call__", lambda _self: 0)
    assert template.use()["calls"] == 1
    assert not list(driver_of(template.house)._restores)


@pytest.mark.parametrize(
    "in_child",
    [
        "while True: pass",
        "os._exit(1)",
        "os.write(3, b'\\xff' * 9)",
        "os.write(3, b'\\0\\0\\0\\0\\0\\0\\0\\1\\3}')",
    ],
)
def test_a_function_that_spoils_its_rehearsal_harms_nobody(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, in_child: str
) -> None:
    monkeypatch.setattr("stoker.sandbox.rehearsal.LIMIT_S", 0.5)
    template = Template(house, tmp_path, in_child=in_child)
    started = template.start()
    assert template.waiting().alive
    assert "rehearsal" in caplog.text
    started.close()
    template.let_go()


def test_hooks_run_for_an_environment_only(house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    template = Template(house, tmp_path, hook="os._exit(1)")
    started = template.start()
    assert template.waiting().alive
    assert "rehearsal" not in caplog.text
    started.close()
    template.let_go()
