"""JSON messages with file descriptors over a SOCK_SEQPACKET socket: how the platform's own processes talk.

Only Stoker's processes hold such a socket; a function never does. One packet is one message, so there is no framing
and a reader cannot see half of one. An empty packet means that the other side is gone.
"""

from __future__ import annotations

import array
import json
import socket

MAX_BYTES = 192 * 1024
MAX_DESCRIPTORS = 16
_SIZE = int(socket.MSG_PEEK | socket.MSG_TRUNC)


def send(sock: socket.socket, message: dict[str, object], descriptors: tuple[int, ...] = ()) -> None:
    """Send one message; the descriptors stay open here."""
    socket.send_fds(sock, [json.dumps(message).encode()], list(descriptors))


def receive(sock: socket.socket) -> tuple[dict, list[int]] | None:  # type: ignore[type-arg]
    """The next message with its descriptors (close-on-exec), or None when the other side is gone."""
    descriptors = array.array("i")
    room = socket.CMSG_SPACE(MAX_DESCRIPTORS * descriptors.itemsize)
    try:
        # Its size first: room for the largest is a mapping of its own, whose pages are made and given back each time.
        size = sock.recv_into(bytearray(1), 1, _SIZE)
        # Not socket.recv_fds: it passes no flags on, and what a program that is executed meanwhile inherits stays open.
        data, control, _, _ = sock.recvmsg(min(size, MAX_BYTES), room, socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        return None
    for level, kind, content in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    return (json.loads(data), descriptors.tolist()) if data else None
