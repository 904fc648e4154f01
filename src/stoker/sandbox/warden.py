"""The process that prepares what is slow or global for sandboxes: namespaces, networks and disks.

It is single-threaded, as user namespaces need it, and holds nothing that outlives it. Requests are messages
{"op": "slot" | "disk" | "socket", …}; each is answered in order, with file descriptors, or with {"error"}.
"""

import ipaddress
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from stoker.bootstrap import messages
from stoker.linux import credentials, loop_disk, mounts, namespaces, network

RUNTIME_API_PORT = 9001
LOOPBACK = "127.0.0.1"
PREFIX = "stoker"


class Warden:
    """Answers requests until its host goes away."""

    def __init__(self, host: socket.socket, *, directory: Path, endpoint_port: int, addresses: str) -> None:
        """`addresses` is the network of a predecessor that died, whose sandboxes still run; or empty."""
        self._host = host
        self._endpoint_port = endpoint_port
        self._disks = loop_disk.DiskMaker(directory)
        self._no_disk = self._disks.unavailable_reason()
        self._uplink, self._no_uplink = _uplink(addresses)

    def serve(self) -> None:
        messages.send(self._host, self._hello())
        while received := messages.receive(self._host):
            request, given = received
            try:
                descriptors = self._serve(request.pop("op"), request, given)
            except OSError as error:
                messages.send(self._host, {"error": str(error)})
                continue
            messages.send(self._host, {}, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
        self._disks.close()
        if self._uplink is not None:
            self._uplink.close()

    def _serve(self, op: str, request: dict[str, Any], given: list[int]) -> tuple[int, ...]:
        if op == "slot":
            return self._slot(**request)
        if op == "disk":
            return (self._disk(**request),)
        try:
            # Here and not in the host, which may not be able to come back from another network: see `_uplink`.
            return (network.socket_inside(given[0]).detach(),)
        finally:
            os.close(given[0])

    def _hello(self) -> dict[str, object]:
        addresses = "" if self._uplink is None else str(self._uplink.network)
        return {"no_disk": self._no_disk, "no_uplink": self._no_uplink, "addresses": addresses}

    def _slot(self, *, index: int, ids: list[tuple[int, int, int]]) -> tuple[int, int, int, int]:
        """A user and a network namespace, and in the latter the two listening sockets; in this order."""
        _, outside_init_uid, _ = ids[0]
        user = namespaces.create_user_namespace(ids, owner=outside_init_uid)
        net = namespaces.create_network_namespace()
        if self._uplink is None:
            network.loopback_up(net)
        else:
            self._uplink.connect(net, index)
        runtime_api = network.listen_inside(net, LOOPBACK, RUNTIME_API_PORT)
        endpoint = network.listen_inside(net, LOOPBACK, self._endpoint_port)
        return user, net, runtime_api.detach(), endpoint.detach()

    def _disk(self, *, size_bytes: int, uid: int) -> int:
        """A detached mount for /tmp. On memory where the machine has no loop devices, and then it counts as such."""
        if self._no_disk is None:
            return self._disks.create(size_bytes, uid, uid)
        return mounts.new_tmpfs(size_bytes, mode=0o700, uid=uid, gid=uid)


def _uplink(addresses: str) -> tuple[network.Uplink | None, str | None]:
    """The way out for every slot, or why there is none."""
    if not namespaces.is_own(namespaces.CLONE_NEWNET):
        # It could make namespaces there but not come back to make the next one. One of its own will do: nothing that
        # it makes needs the machine's.
        namespaces.unshare(namespaces.CLONE_NEWNET)
        return None, "only root may connect a network to the machine's"
    try:
        network.sweep(PREFIX)
        known = ipaddress.IPv4Network(addresses) if addresses else None
        # The host's and not this process's: should this one die, the sandboxes that it connected stay walled off.
        return network.Uplink(PREFIX, owner=os.getppid(), network=known), None
    except (OSError, network.NetworkUnavailableError) as error:
        return None, str(error)


def main() -> None:
    credentials.set_parent_death_signal(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    descriptor, directory, endpoint_port, addresses = sys.argv[1:]
    host = socket.socket(fileno=int(descriptor))
    Warden(host, directory=Path(directory), endpoint_port=int(endpoint_port), addresses=addresses).serve()


if __name__ == "__main__":
    main()
