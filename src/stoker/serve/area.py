"""What stands on the platform: some AWS services, pages of Stoker's own, and what works behind them."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stoker.apis.request import ApiDomains, ApiHost, SocketHost
from stoker.front_door.apis import Service
from stoker.front_door.own_paths import Handler
from stoker.serve.late_door import Application


async def _nothing() -> None: ...


def _unmoved(_door: Application) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Area:
    """Built before the port is open. `begin` is called once requests are served: what was left over by the last run is
    taken up there. `let_go` is called first when Stoker stops, while the requests that are there are served to their
    end: those that only wait for something are answered, nothing new is begun, and it returns when what was begun has
    finished; it may be cancelled. `end` is called when no requests come in any more, and before environments are taken
    down; it has a minute for all areas together.

    `pages` are handlers for what is under /_stoker/, by the first part of the path that follows.
    `api_hosts` answer requests for APIs, `socket_hosts` their WebSockets; `api_domains` say which hosts are names of
    such.
    `meet` is given the front door once that is there, for a part that is itself a client of the APIs.
    """

    services: Sequence[Service] = ()
    pages: Mapping[str, Handler] = field(default_factory=dict)
    api_hosts: Sequence[ApiHost] = ()
    socket_hosts: Sequence[SocketHost] = ()
    api_domains: Sequence[ApiDomains] = ()
    meet: Callable[[Application], None] = _unmoved
    begin: Callable[[], Awaitable[None]] = _nothing
    let_go: Callable[[], Coroutine[Any, Any, None]] = _nothing
    end: Callable[[], Awaitable[None]] = _nothing
