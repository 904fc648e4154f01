"""Cold starts: a function's first Invoke, beside starting its interpreter with nothing to do and the peers' first."""

import asyncio
import shutil
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from load import LoadError, once
from peers import Peer
from scale import Scale
from stoker_target import Stoker
from target import TargetError

# What the rounds before left to do, such as making blanks anew, is not this one's.
SETTLE_S, SETTLE_AFTER_BURST_S = 0.2, 1.5


@dataclass(kw_only=True)
class ColdFigures:
    """Milliseconds, one a round; the lists of one round belong together. Without Node, its lists stay empty.

    `peers` are those that took part in all rounds; `failed` says why one did not.
    """

    hello: list[float] = field(default_factory=list)
    python: list[float] = field(default_factory=list)
    python_without_site: list[float] = field(default_factory=list)
    node_hello: list[float] = field(default_factory=list)
    node: list[float] = field(default_factory=list)
    burst: list[float] = field(default_factory=list)
    peers: dict[str, list[float]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def _wall_ms(*command: str | Path) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, env={}, stdin=subprocess.DEVNULL)
    return (time.perf_counter() - begin) * 1e3


async def _first_invoke_ms(stoker: Stoker, *names: str) -> float:
    """From the moment the requests are sent until the last is answered."""
    await asyncio.sleep(SETTLE_S if len(names) == 1 else SETTLE_AFTER_BURST_S)
    return (await once(*(stoker.endpoint(name) for name in names))).seconds * 1e3


async def measure_cold(
    stoker: Stoker,
    peers: Sequence[Peer],
    *,
    python: Path,
    runtime: str,
    sources: dict[str, str],
    node_runtime: str | None,
    scale: Scale,
) -> ColdFigures:
    """Deploys what it needs, invokes each once, and deletes it. `sources` by file suffix."""
    figures = ColdFigures()
    names = [f"cold-{number}" for number in range(scale.cold_rounds + scale.bursts * scale.burst_size)]
    for name in names:
        stoker.deploy(name, sources[".py"], runtime=runtime, suffix=".py")
    node = shutil.which("node") if node_runtime is not None else None
    for name in names[: scale.cold_rounds]:
        figures.hello.append(await _first_invoke_ms(stoker, name))
        figures.python.append(_wall_ms(python, "-c", "pass"))
        figures.python_without_site.append(_wall_ms(python, "-S", "-c", "pass"))
        if node_runtime is not None and node is not None:
            stoker.deploy(f"node-{name}", sources[".js"], runtime=node_runtime, suffix=".js")
            figures.node_hello.append(await _first_invoke_ms(stoker, f"node-{name}"))
            figures.node.append(_wall_ms(node, "-e", "0"))
            stoker.delete(f"node-{name}")
        for peer in peers:
            await _first_of(peer, figures)
    for start in range(scale.cold_rounds, len(names), scale.burst_size):
        figures.burst.append(await _first_invoke_ms(stoker, *names[start : start + scale.burst_size]))
    for name in names:
        stoker.delete(name)
    return figures


async def _first_of(peer: Peer, figures: ColdFigures) -> None:
    if peer.name in figures.failed:
        return
    try:
        taken = await peer.cold_ms()
    except (LoadError, TargetError) as error:
        figures.failed[peer.name] = str(error)
        figures.peers.pop(peer.name, None)
        return
    if taken is not None:
        figures.peers.setdefault(peer.name, []).append(taken)


def burst_ratio(figures: ColdFigures) -> float:
    """How many times one cold start the answers of a burst took, the last of them."""
    return statistics.median(figures.burst) / statistics.median(figures.hello)
