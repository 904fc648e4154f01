"""A cold start of a function that imports numpy and pandas, from its template, beside one of hello in the same round.

Both have `stoker:environment` = `fresh`, so that each invocation is a cold start.
"""

import asyncio
import io
import time
import zipfile
from dataclasses import dataclass, field

from cold import SETTLE_S
from installed import from_pypi
from load import once
from stoker_target import Stoker
from target import TargetError

# What is measured must not change with the day.
PACKAGES = ("numpy==2.4.6", "pandas==3.1.1")
FRESH = {"stoker:environment": "fresh"}
SOURCE = """
import numpy
import pandas
FRAME = pandas.DataFrame({"a": numpy.arange(1000.0)})
def handler(event, context):
    return float(FRAME.a.sum())
"""
TEMPLATE_LIMIT_S = 60.0
# An ordinary start of it takes a second or more; nothing else than a template brings it below this.
FROM_TEMPLATE_MS = 300.0


@dataclass(kw_only=True)
class HeavyFigures:
    """Milliseconds, one a round, and what the first start took, which had no template."""

    ordinary: float = 0.0
    heavy: list[float] = field(default_factory=list)
    hello: list[float] = field(default_factory=list)


def _package() -> bytes:
    """The function with its packages, which are installed once. Raises TargetError."""
    target = from_pypi(*PACKAGES)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(target.rglob("*")):
            if path.is_file() and not {"tests", "__pycache__", "bin"} & set(path.parts):
                archive.write(path, path.relative_to(target))
        archive.writestr("hello.py", SOURCE)
    return buffer.getvalue()


async def _invoke_ms(stoker: Stoker, name: str) -> float:
    await asyncio.sleep(SETTLE_S)
    return (await once(stoker.endpoint(name))).seconds * 1e3


async def measure_heavy(stoker: Stoker, *, hello: str, runtime: str, rounds: int) -> HeavyFigures:
    """Deploys both, waits for the template, then invokes them in turn. Raises TargetError."""
    stoker.deploy_package("heavy", _package(), runtime=runtime, memory_mb=512, tags=FRESH)
    stoker.deploy("fresh-hello", hello, runtime=runtime, suffix=".py", tags=FRESH)
    figures = HeavyFigures(ordinary=await _invoke_ms(stoker, "heavy"))
    deadline = time.monotonic() + TEMPLATE_LIMIT_S
    while await _invoke_ms(stoker, "heavy") > FROM_TEMPLATE_MS:
        if time.monotonic() > deadline:
            raise TargetError("the function got no template; its INIT_START lines say why")
    for _ in range(rounds):
        figures.heavy.append(await _invoke_ms(stoker, "heavy"))
        figures.hello.append(await _invoke_ms(stoker, "fresh-hello"))
    for name in ("heavy", "fresh-hello"):
        stoker.delete(name)
    return figures
