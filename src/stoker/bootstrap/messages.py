"""JSON messages with file descriptors over a SOCK_SEQPACKET socket: how the platform's own processes talk.

Only Stoker's processes hold such a socket; a function never does. One packet is one message, so there is no framing
and a reader cannot see half of one. An empty packet means that the other side is gone.
"""

from __future__ import annotations

import json
import os
import socket

MAX_BYTES = 192 * 1024
MAX_DESCRIPTORS = 16


def send(sock: socket.socket, message: dict[str, object], descriptors: tuple[int, ...] = ()) -> None:
    """Send one message; the descriptors stay open here."""
    socket.send_fds(sock, [json.dumps(message).encode()], list(descriptors))


def receive(sock: socket.socket) -> tuple[dict, list[int]] | None:  # type: ignore[type-arg]
    """The next message with its descriptors (close-on-exec), or None when the other side is gone."""
    try:
        data, descriptors, _flags, _address = socket.recv_fds(sock, MAX_BYTES, MAX_DESCRIPTORS)
    except ConnectionError:
        return None
    if not data:
        return None
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return json.loads(data), list(descriptors)
