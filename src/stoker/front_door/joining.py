"""A transport that sends what is written in one turn of the loop with one system call.

uvicorn writes an answer's head and body apart, and on a loopback each write wakes the reader.
"""

import asyncio
from collections.abc import Iterable
from typing import Any


class JoiningTransport(asyncio.Transport):
    """Passes everything on to `transport`, writes at the end of the loop's turn, or when told to."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not data:
            return
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(bytes(data))

    def writelines(self, data: Iterable[bytes | bytearray | memoryview]) -> None:
        for each in data:
            self.write(each)

    def flush(self) -> None:
        """Send what is held now. For an answer that is whole: the turn's end would be a turn of the loop later."""
        if self._held:
            held, self._held = self._held, []
            # The client may have gone since: uvloop takes a write then for a fault of ours.
            if not self._transport.is_closing():
                self._transport.write(held[0] if len(held) == 1 else b"".join(held))

    def send(self, data: bytes) -> None:
        """Send now, with what is held before it."""
        if self._held:
            self.flush()
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        self._held = []
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size() + sum(map(len, self._held))

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._transport.get_protocol()
