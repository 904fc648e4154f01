"""A helper process of ours at the other end of a message socket, seen from the event loop."""

import asyncio
import os
import socket
import subprocess
from collections import deque
from collections.abc import Callable
from typing import Any

from stoker.bootstrap import messages
from stoker.sandbox.driver import SandboxError

START_TIMEOUT_S = 30.0
Message = dict[str, Any]


class PeerGoneError(SandboxError):
    """The process at the other end ended before it answered."""


class Peer:
    """A child process that answers each message with one, in order."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], sock: socket.socket) -> None:
        self._name = name
        self._process = process
        self._sock = sock
        self._waiting: deque[asyncio.Future[tuple[Message, list[int]]]] = deque()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._on_readable)
        self.alive = True

    @classmethod
    async def start(cls, name: str, command: Callable[[int], list[str]]) -> tuple["Peer", Message]:
        """Start `command(descriptor of its socket)` and wait for its first message."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # On this thread and not on another: the child's parent-death signal follows the thread that started it.
            process = subprocess.Popen(  # noqa: ASYNC220
                command(theirs.fileno()), pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env={}, cwd="/"
            )
        peer = cls(name, process, ours)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                hello, _ = await peer._next()
        except BaseException:
            await peer.close()
            raise
        return peer, hello

    async def request(self, message: Message, descriptors: tuple[int, ...] = ()) -> tuple[Message, list[int]]:
        """Send one message and wait for its answer; SandboxError when it fails, PeerGoneError with the process."""
        if not self.alive:
            raise PeerGoneError(repr(self))
        try:
            messages.send(self._sock, message, descriptors)
        except ConnectionError as error:
            self._gone()
            raise PeerGoneError(repr(self)) from error
        answer, received = await self._next()
        if "error" in answer:
            raise SandboxError(f"{self._name}: {answer['error']}")
        return answer, received

    async def close(self) -> None:
        """Let the process end by itself, as its socket closes; then make sure."""
        self._gone()
        try:
            await asyncio.to_thread(self._process.wait, 2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    def _next(self) -> "asyncio.Future[tuple[Message, list[int]]]":
        future = self._loop.create_future()
        self._waiting.append(future)
        return future

    def _on_readable(self) -> None:
        received = messages.receive(self._sock)
        if received is None:
            self._gone()
            return
        waiter = self._waiting.popleft()
        if waiter.done():
            # Who asked has given up; what came along must not stay open.
            for descriptor in received[1]:
                os.close(descriptor)
        else:
            waiter.set_result(received)

    def _gone(self) -> None:
        if not self.alive:
            return
        self.alive = False
        self._loop.remove_reader(self._sock)
        self._sock.close()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(PeerGoneError(repr(self)))
        self._waiting.clear()

    def __repr__(self) -> str:
        return f"<{self._name} pid={self._process.pid} {'alive' if self.alive else 'gone'}>"
