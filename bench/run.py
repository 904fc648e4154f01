"""`make bench`: Stoker and its peers, measured in one run. README.md says what each figure means.

`--quick` takes less than a minute; `--peers-only` measures what is there to compare with.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

import uvloop
from cold import measure_cold
from console import measure_console
from events import measure_events
from gateway import measure_gateway
from heavy import measure_heavy
from lists import measure_lists
from load import Endpoint
from many_functions import measure_many
from memory import measure_crowd, measure_fresh, measure_memory
from objects import measure_objects
from peers import (
    HERE,
    MINISTACK,
    OSLS,
    SERVERLESS_OFFLINE,
    WORKERD,
    BareUvicorn,
    Ministack,
    Peer,
    ServerlessOffline,
    Workerd,
)
from plot import as_svg
from queues import measure_queues
from report import (
    Row,
    as_json,
    as_markdown,
    as_text,
    cold_rows,
    console_rows,
    crowd_row,
    event_rows,
    gateway_rows,
    heavy_rows,
    list_rows,
    many_rows,
    memory_rows,
    object_rows,
    peer_rows,
    queue_rows,
    table_rows,
    warm_rows,
)
from scale import FULL, QUICK, Scale
from stoker_target import Stoker
from tables import measure_tables
from target import TargetError
from warm import Target, measure_warm

RESULTS = HERE / "results"
WHICH_PYTHON = """
import os, sys
def handler(event, context):
    return os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2])
"""


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def _python_runtime() -> str:
    return "python{}.{}".format(*sys.version_info[:2])


def _node_runtime() -> str | None:
    node = shutil.which("node")
    if node is None:
        return None
    major = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout[1:].split(".")[0]
    return f"nodejs{major}.x"


def _sources() -> dict[str, str]:
    return {path.suffix: path.read_text() for path in (HERE / "functions").glob("hello.*")}


@dataclass(kw_only=True)
class Running:
    """The peers that run, with what the load goes to, and the reasons of those that don't."""

    peers: list[Peer] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def _start_peers(python: Path, scale: Scale, stack: ExitStack) -> Running:
    running = Running()
    peers: list[Peer] = [
        ServerlessOffline(python, scale.cold_rounds),
        Ministack(python, scale.cold_rounds),
        Workerd(),
        BareUvicorn(),
    ]
    for peer in peers:
        _say(f"starting {peer.name} …")
        stack.callback(peer.close)
        try:
            endpoint = peer.start()
        except TargetError as error:
            running.missing[peer.name] = str(error)
            continue
        running.peers.append(peer)
        running.targets.append(Target(name=peer.name, endpoint=partial(_same, endpoint), pid=peer.server.pid))
    return running


def _same(endpoint: Endpoint) -> Endpoint:
    return endpoint


async def _measure(scale: Scale, stack: ExitStack) -> list[Row]:
    _say("starting stoker …")
    stoker = Stoker()
    stack.callback(stoker.close)
    stoker.start()
    runtime, sources = _python_runtime(), _sources()
    _say("memory …")
    fresh = measure_fresh(stoker)
    digest = stoker.deploy("hello", sources[".py"], runtime=runtime, suffix=".py")
    memory = measure_memory(stoker, "hello", digest)
    stoker.deploy("which-python", WHICH_PYTHON, runtime=runtime, suffix=".py")
    python = Path(stoker.invoke("which-python"))
    others = _start_peers(python, scale, stack)
    _say("cold starts …")
    cold = await measure_cold(
        stoker,
        others.peers,
        python=python,
        runtime=runtime,
        sources=sources,
        node_runtime=_node_runtime(),
        scale=scale,
    )
    heavy: list[Row] = []
    try:
        heavy = heavy_rows(await measure_heavy(stoker, hello=sources[".py"], runtime=runtime, rounds=scale.cold_rounds))
    except TargetError as error:
        _say(f"numpy and pandas: {error}")
    own = Target(name="stoker", endpoint=partial(stoker.endpoint, "hello"), pid=stoker.server.pid, required=True)
    _say("warm invocations …")
    warm, failed = await measure_warm([own, *others.targets], scale)
    for peer in others.peers:
        peer.close()
    _say("an API …")
    gateway = await measure_gateway(stoker, "hello", scale)
    _say("objects …")
    objects = object_rows(await measure_objects(stoker, scale))
    stoker.close()
    return [
        *cold_rows(cold, scale.burst_size),
        *heavy,
        *warm_rows(warm, {**others.missing, **failed}, scale.connections),
        *memory_rows(fresh, memory),
        *gateway_rows(gateway),
        *objects,
        *await _measure_apart(scale, sources[".py"], runtime),
    ]


async def _measure_apart(scale: Scale, source: str, runtime: str) -> list[Row]:
    """What needs a Stoker of its own: they are stopped and started again."""
    _say("many functions …")
    many = many_rows(await measure_many(source, runtime, scale), scale.many_functions)
    crowd: list[Row] = []
    _say("a crowd …")
    with Stoker() as other:
        other.start()
        try:
            crowd = [crowd_row(await measure_crowd(other, runtime, scale.crowd), scale.crowd)]
        except TargetError as error:
            _say(f"a crowd: {error}")
    _say("asynchronous events …")
    with Stoker() as other:
        other.start()
        events = event_rows(await measure_events(other, source, runtime, scale), scale.connections)
    _say("queues …")
    with Stoker() as other:
        other.start()
        queues = queue_rows(await measure_queues(other, scale, runtime), scale.many_waiting)
    _say("tables …")
    with Stoker() as other:
        other.start()
        tables = table_rows(await measure_tables(other, scale), scale.many_items)
    _say("lists of objects …")
    with Stoker() as other:
        other.start()
        lists = list_rows(await measure_lists(other, scale), scale.many_keys)
    _say("the console …")
    with Stoker() as other:
        other.start()
        console = console_rows(await measure_console(other, scale, runtime))
    return [*many, *crowd, *events, *queues, *tables, *lists, *console]


async def _measure_peers(scale: Scale, stack: ExitStack) -> list[Row]:
    python = Path(sys.base_prefix) / "bin" / _python_runtime()
    others = _start_peers(python, scale, stack)
    _say("warm invocations …")
    warm, failed = await measure_warm(others.targets, scale)
    for name, reason in {**others.missing, **failed}.items():
        _say(f"{name}: {reason}")
    return peer_rows(warm)


def _machine() -> dict[str, object]:
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "stoker": version("stoker"),
        "serverless-offline": SERVERLESS_OFFLINE,
        "osls": OSLS,
        "ministack": MINISTACK,
        "workerd": WORKERD,
    }


def _write(rows: list[Row], machine: dict[str, object]) -> None:
    RESULTS.mkdir(exist_ok=True)
    when = time.strftime("%Y-%m-%d", time.gmtime())
    record = {"when": when, "machine": machine, "rows": as_json(rows)}
    (RESULTS / "latest.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    (RESULTS / "latest.md").write_text(as_markdown(rows))
    title = f"{machine['processor']}, {machine['cores']} cores, {when}"
    (RESULTS / "latest.svg").write_text(as_svg(rows, title))


def main() -> int:
    """Exit status 0 whether targets are met or not: a busy machine is no failure. 1 if Stoker does not start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: less than a minute")
    parser.add_argument("--peers-only", action="store_true", help="without Stoker; writes no results")
    options = parser.parse_args()
    scale = QUICK if options.quick else FULL
    with ExitStack() as stack, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            rows = runner.run((_measure_peers if options.peers_only else _measure)(scale, stack))
        except TargetError as error:
            _say(str(error))
            return 1
    if options.peers_only:
        print("\n".join(f"{row.what}: {row.cells()[1]}" for row in rows))
        return 0
    print(as_text(rows))
    _write(rows, _machine())
    print(f"\nwritten to {RESULTS.relative_to(HERE.parent)}/latest.{{json,md,svg}}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
