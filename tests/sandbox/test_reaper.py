"""Process 1 of a sandbox: what it tells, what is left of it while it waits, and that a function cannot touch it."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from driver_suite import HANDLERS, House, Started, spec
from linux_child import in_child

from fakes.kernel_traces import first_processes_of
from fakes.waiting import eventually
from stoker.bootstrap import frames, reaper
from stoker.bootstrap.reaper import REPORT, WORKER, Reaper, gaps
from stoker.linux import namespaces, syscalls
from stoker.sandbox.driver import ExitStatus, SandboxError

pytestmark = [pytest.mark.root, pytest.mark.slow]

MOST_KIB = 64
Ends = list[tuple[int, int]]


def ends_told(work: Callable[[Reaper], None]) -> Ends:
    """The pids and statuses that process 1 of a new namespace tells of, while its worker does its work."""

    def tell() -> Ends:
        ours, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        namespaces.unshare(namespaces.CLONE_NEWPID)
        if os.fork() == 0:
            process = Reaper()
            if os.fork() == 0:
                work(process)
            process.run(control.fileno())
        control.close()
        told = []
        while report := ours.recv(REPORT.size):
            pid, status, *_, peak_kib = REPORT.unpack(report)
            assert peak_kib > 0
            told.append((pid, status))
        return told

    answer: Ends = in_child(tell)
    return answer


def leave_orphans_and_end(process: Reaper, *, tell_of_all: bool) -> None:
    process.leave(tell_of_all=tell_of_all)
    for status in (1, 2):
        child = os.fork()
        if child == 0:
            if os.fork() == 0:
                os._exit(status)
            os._exit(0)
        os.waitpid(child, 0)
    os._exit(7)


@pytest.fixture(params=["small", "in Python"])
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    if request.param != "small":
        monkeypatch.setattr(Reaper, "_run_small", refuse)


@pytest.mark.usefixtures("_either_way")
def test_one_tells_of_its_worker_alone_and_ends_with_it() -> None:
    assert ends_told(lambda process: leave_orphans_and_end(process, tell_of_all=False)) == [(WORKER, 7 << 8)]


@pytest.mark.usefixtures("_either_way")
def test_beside_extensions_it_tells_of_all() -> None:
    told = ends_told(lambda process: leave_orphans_and_end(process, tell_of_all=True))
    assert sorted(told) == [(WORKER, 7 << 8), (WORKER + 2, 1 << 8), (WORKER + 4, 2 << 8)]


def test_all_but_what_stays_goes() -> None:
    end = 0x7FFF_FFFF_F000
    assert gaps([(50, 60), (10, 20), (15, 30)]) == [(0, 10), (30, 20), (60, end - 60)]
    assert gaps([(0, 5), (end - 1, end + 9)]) == [(5, end - 6)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House("linux", tmp_path_factory.mktemp("data"))
    yield house
    house.close()


@pytest.fixture
def probe(house: House) -> Iterator[Started]:
    probe = house.start(spec(HANDLERS))
    probe.receive()
    yield probe
    probe.close()


def resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Rss:"))


@pytest.mark.skipif(syscalls.MACHINE != syscalls.X86_64, reason="elsewhere it stays a Python process")
def test_next_to_nothing_of_it_is_left_while_it_waits(probe: Started) -> None:
    (process,) = first_processes_of(os.getpid())
    eventually(lambda: resident_kib(process.pid) < MOST_KIB, "it has given its memory away")
    assert "start.py" in process.command


def test_a_function_can_do_nothing_to_it_and_its_orphans_go(probe: Started) -> None:
    assert probe.ask("attack_first_process", reaper.SHARED) == signal.SIGSEGV
    (process,) = first_processes_of(os.getpid())
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    eventually(lambda: len(children.read_text().split()) == 1, "only its worker is left of its children")
    probe.send("leave", 4)
    assert probe.exit_status() == ExitStatus(code=4)


def test_orphans_beside_an_extension_are_nobody_s_business(house: House, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    script = tmp_path / "extensions" / "stays"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\nexec sleep 1000\n")
    script.chmod(0o755)
    probe = house.start(spec(HANDLERS, layers_root=tmp_path, extensions=("stays",)))
    probe.sandbox.channel.sendall(frames.encode(frames.START))
    probe.receive()
    assert probe.ask("attack_first_process", reaper.SHARED) == signal.SIGSEGV
    assert not probe.sandbox.extensions["stays"].done() and not probe.sandbox.exited.done()
    probe.close()
    assert probe.sandbox.extensions["stays"].result() == ExitStatus(signal=signal.SIGKILL)


def test_what_cannot_be_mounted_is_an_error_and_the_next_one_starts(house: House) -> None:
    # A file has no place where a directory is to be.
    with pytest.raises(SandboxError):
        house.start(spec(HANDLERS / "probe.py"))
    probe = house.start(spec(HANDLERS))
    probe.receive()
    assert probe.ask("echo", "there") == "there"
    probe.close()
