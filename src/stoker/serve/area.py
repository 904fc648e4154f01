"""What stands on the platform: some AWS services, pages of Stoker's own, and what works behind them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stoker.apis.request import ApiDomains, ApiHost, SocketHost
from stoker.front_door.apis import Service
from stoker.front_door.exchange import Application
from stoker.front_door.own_paths import Handler


async def _nothing() -> None: ...


def _unmoved(_door: Application) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Area:
    """Built before the port is open. `begin` is called once requests are served: what was left over by the last run is
    taken up there. `let_go` is called first when Stoker stops: requests that only wait for something are answered, so
    that nothing waits for them. `end` is called when no new requests come in any more, and before environments are
    taken down: it lets what has begun finish and starts nothing new.

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
    let_go: Callable[[], Awaitable[None]] = _nothing
    end: Callable[[], Awaitable[None]] = _nothing
