"""The warm path: what is cached, and when it is not any more."""

import asyncio

import pytest

from fakes.control_plane import ControlPlane
from stoker.functions import resolution
from stoker.model.invocation import Target


def resolve(plane: ControlPlane, name: str = "f", qualifier: str | None = None) -> Target:
    return plane.run(plane.registry.resolve("us-east-1", name, qualifier))


class CountedReads:
    """A store that counts its reads."""

    def __init__(self, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        read = plane.store.read

        async def counted(work: object) -> object:
            self.count += 1
            return await read(work)  # type: ignore[arg-type]

        monkeypatch.setattr(plane.store, "read", counted)


def test_a_warm_function_is_resolved_without_a_database(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    plane.create()
    first = resolve(plane)
    reads = CountedReads(plane, monkeypatch)
    assert resolve(plane) is first
    assert reads.count == 0


def test_a_change_is_seen_by_the_next_invocation(plane: ControlPlane) -> None:
    plane.create(MemorySize=128)
    assert resolve(plane).function.memory_mb == 128
    plane.update(MemorySize=256)
    assert resolve(plane).function.memory_mb == 256


def test_a_deleted_function_is_gone_for_the_next_invocation(plane: ControlPlane) -> None:
    plane.create()
    resolve(plane)
    plane.call("DeleteFunction", FunctionName="f")
    with pytest.raises(Exception, match="Function not found"):
        resolve(plane)


def test_a_deleted_version_is_gone_for_the_next_invocation(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    resolve(plane, qualifier="1")
    plane.call("DeleteFunction", FunctionName="f", Qualifier="1")
    with pytest.raises(Exception, match="Function not found"):
        resolve(plane, qualifier="1")


def test_what_was_read_before_a_change_is_not_kept_after_it(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane.create(MemorySize=128)
    read = plane.store.read
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(work: object) -> object:
        result = await read(work)  # type: ignore[arg-type]
        reached.set()
        await go_on.wait()
        return result

    async def race() -> None:
        monkeypatch.setattr(plane.store, "read", slow)
        old = asyncio.create_task(plane.registry.resolve("us-east-1", "f", None))
        await reached.wait()
        monkeypatch.setattr(plane.store, "read", read)
        plane.registry._resolver.forget("us-east-1", "f")
        go_on.set()
        await old
        assert plane.registry._resolver.cached("us-east-1", "f", None) is None

    plane.run(race())


def test_the_cache_lets_go_of_what_was_used_least_recently(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolution, "CACHED_FUNCTIONS", 2)
    for name in ("a", "b", "c"):
        plane.create(name)
    for name in ("a", "b", "a", "c"):
        resolve(plane, name)
    cached = [name for name in ("a", "b", "c") if plane.registry._resolver.cached("us-east-1", name, None)]
    assert cached == ["a", "c"]


def test_qualifiers_cannot_fill_the_memory(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolution, "CACHED_QUALIFIERS", 2)
    plane.create(Publish=True)
    for number in range(5):
        plane.call("CreateAlias", FunctionName="f", Name=f"a{number}", FunctionVersion="1")
    for number in range(5):
        resolve(plane, qualifier=f"a{number}")
    known = [n for n in range(5) if plane.registry._resolver.cached("us-east-1", "f", f"a{n}")]
    assert 4 in known and len(known) <= 2
