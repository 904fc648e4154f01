"""What a fork of the zygote is given to become an environment."""

from __future__ import annotations

import socket


class Job:
    """What a blank is made of: its sockets and pipe, its namespaces, its cgroup's doors, and the ids it will take.

    `control` is process 1's and `orders` its worker's. `copies`: which memory the worker will write to; see
    `linux.page_copies`.
    """

    def __init__(
        self,
        control: int,
        orders: int,
        channel: int,
        output: int,
        network_namespace: int,
        user_namespace: int,
        *cgroup_entrances: int,
        uid: int,
        init_uid: int,
        keep_groups: bool,
        hostname: str,
        seccomp_program: bytes,
        copies: list[tuple[int, int]],
    ) -> None:
        self.control = socket.socket(fileno=control)
        self.orders = orders
        self.channel = channel
        self.output = output
        self.network_namespace = network_namespace
        self.user_namespace = user_namespace
        self.cgroup_entrances = cgroup_entrances
        self.uid = uid
        self.init_uid = init_uid
        self.keep_groups = keep_groups
        self.hostname = hostname
        self.seccomp_program = seccomp_program
        self.copies = copies
