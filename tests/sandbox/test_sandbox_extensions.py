"""External extensions beside a function's process: whose children they are, what they get, and what is told of them."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from driver_suite import DRIVERS, HANDLERS, PATIENCE_S, RUNSC, House, Started, spec

from stoker.bootstrap import frames
from stoker.sandbox.driver import ExitStatus, NotLaunched

pytestmark = [pytest.mark.root, pytest.mark.slow]

SEES = """#!/bin/sh
grep -E 'Uid|CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status
echo handler=$_HANDLER function=$AWS_LAMBDA_FUNCTION_NAME in $PWD
echo $(ls /proc/self/fd 2>&1)
exec sleep 1000
"""


@pytest.fixture(scope="module", params=list(DRIVERS))
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    if request.param == "gvisor" and RUNSC is None:
        pytest.skip("runsc is not installed")
    house = House(request.param, tmp_path_factory.mktemp("data"))
    yield house
    house.close()


def start(house: House, layers: Path, **scripts: str) -> Started:
    layers.chmod(0o755)
    (layers / "extensions").mkdir()
    for name, script in scripts.items():
        path = layers / "extensions" / name
        path.write_text(script)
        path.chmod(0o644 if name == "plain" else 0o755)
    return house.start(spec(HANDLERS, layers_root=layers, extensions=tuple(sorted(scripts))))


def begin(probe: Started) -> None:
    """What the platform does when all have registered."""

    async def send() -> None:
        await asyncio.get_running_loop().sock_sendall(probe.sandbox.channel, frames.encode(frames.START))

    probe.house.run(send())


def said(probe: Started, lines: int) -> list[str]:
    async def read() -> str:
        text, fd, loop = "", probe.sandbox.extension_output, asyncio.get_running_loop()
        assert fd is not None
        readable = asyncio.Event()
        loop.add_reader(fd, readable.set)
        try:
            while text.count("\n") < lines:
                await readable.wait()
                readable.clear()
                with contextlib.suppress(BlockingIOError):
                    text += os.read(fd, 65536).decode()
        finally:
            loop.remove_reader(fd)
        return text

    return probe.house.run(asyncio.wait_for(read(), PATIENCE_S)).splitlines()


def end_of(probe: Started, name: str) -> Any:
    return probe.house.run(asyncio.wait_for(asyncio.shield(probe.sandbox.extensions[name]), PATIENCE_S))


def close(probe: Started) -> None:
    assert probe.sandbox.extension_output is not None
    probe.close()
    os.close(probe.sandbox.extension_output)


def test_an_extension_has_no_more_rights_than_the_function(house: House, tmp_path: Path) -> None:
    probe = start(house, tmp_path, sees=SEES)
    gvisor = house.name == "gvisor"
    # gVisor does not tell of no_new_privs, which it has for all, and filters nothing: it is the kernel.
    text = said(probe, 6 if gvisor else 7)
    begin(probe)
    probe.receive()
    own = [line for line in text if line.startswith(("Uid", "Cap", "NoNew", "Seccomp"))]
    assert len(own) == (4 if gvisor else 5)
    assert set(own) <= set(probe.ask("status"))
    assert text[-2] == "handler= function=f in /"
    if not gvisor:
        # The three standard streams, and the directory that `ls` reads.
        assert text[-1] == "0 1 2 3"
    close(probe)


def test_the_function_begins_when_it_is_told_to_and_outlives_an_extension(house: House, tmp_path: Path) -> None:
    probe = start(house, tmp_path, crashes="#!/bin/sh\necho bye\nexit 3\n", stays="#!/bin/sh\nexec sleep 1000\n")
    assert said(probe, 1) == ["bye"]
    assert end_of(probe, "crashes") == ExitStatus(code=3)
    with pytest.raises(TimeoutError):
        probe.receive(patience_s=0.2)
    begin(probe)
    assert probe.receive()[0] == frames.NEXT
    assert not probe.sandbox.extensions["stays"].done()
    close(probe)
    assert end_of(probe, "stays") == ExitStatus(signal=9)


def test_an_extension_outlives_the_function_until_the_sandbox_is_closed(house: House, tmp_path: Path) -> None:
    probe = start(house, tmp_path, stays="#!/bin/sh\necho here\nexec sleep 1000\n")
    said(probe, 1)
    begin(probe)
    probe.receive()
    probe.ask("leave_when_told", 9)
    probe.sandbox.terminate()
    assert probe.exit_status() == ExitStatus(code=9)
    assert not probe.sandbox.extensions["stays"].done()
    close(probe)
    assert end_of(probe, "stays") == ExitStatus(signal=9)


def test_a_file_that_cannot_be_executed_is_told_with_its_reason(house: House, tmp_path: Path) -> None:
    probe = start(house, tmp_path, plain="#!/bin/sh\n", text="no program\n")
    assert end_of(probe, "plain") == NotLaunched(errno=errno.EACCES)
    assert end_of(probe, "text") == NotLaunched(errno=errno.ENOEXEC)
    close(probe)


def test_the_platform_reaches_what_listens_inside(house: House, tmp_path: Path) -> None:
    listens = '#!/usr/bin/python3\nimport socket\ns = socket.create_server(("sandbox.localdomain", 4243))\n'
    probe = start(house, tmp_path, listens=listens + 'print("up", flush=True)\ns.accept()[0].sendall(b"hello")\n')
    said(probe, 1)

    async def hello() -> bytes:
        sock, loop = await probe.sandbox.socket_inside(), asyncio.get_running_loop()
        with sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, (socket.gethostbyname("localhost"), 4243))
            return await loop.sock_recv(sock, 5)

    assert house.run(asyncio.wait_for(hello(), PATIENCE_S)) == b"hello"
    close(probe)
