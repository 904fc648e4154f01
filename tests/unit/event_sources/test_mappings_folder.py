"""The worked example of a source of one's own: found by its entry point, and woken by the kernel."""

import asyncio
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from fakes.clock import FakeClock
from stoker.event_sources.mapping import Mapping, Options
from stoker.event_sources.poller import Poller
from stoker.event_sources.source import Surroundings
from stoker.event_sources.sources import GROUP, Sources
from stoker.model.arn import FunctionId
from stoker.model.errors import InvalidParameterValueException

EXAMPLE = Path(__file__).parents[3] / "examples" / "folder-source"
ARN = "arn:aws:folder:us-east-1:000000000000:incoming"
MAPPING = Mapping(
    uuid="u",
    function=FunctionId(account="000000000000", region="us-east-1", name="f"),
    qualifier=None,
    source_arn=ARN,
    options=Options(),
    state="Enabled",
    modified=0.0,
)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    entry = EntryPoint(name="folder", value="stoker_folder:FolderSource", group=GROUP)
    surroundings = Surroundings(clock=FakeClock(), data=tmp_path, account="000000000000")
    sources = Sources(surroundings, lambda: [entry])
    sources.load_installed()
    return sources


async def names(poller: Poller, most: int = 10) -> list[str]:
    return [record.id for record in await poller.receive(most, None)]


def test_a_file_wakes_its_mapping_and_is_deleted_when_it_is_done(sources: Sources, tmp_path: Path) -> None:
    folder = tmp_path / "folder" / "incoming"

    async def scene() -> None:
        poller = await sources.of(ARN).open(MAPPING)
        waiting = asyncio.create_task(poller.receive(10, None))
        await asyncio.sleep(0)
        (folder / "a.txt").write_text("hello")
        (record,) = await asyncio.wait_for(waiting, 60)
        assert record.view["path"] == str(folder / "a.txt")
        assert await poller.receive(10, 0.01) == []
        await poller.settle([record], [])
        assert list(folder.iterdir()) == []
        await poller.close()

    asyncio.run(scene())


def test_a_file_that_was_not_done_is_there_for_the_next_start(sources: Sources) -> None:
    async def scene() -> None:
        source = sources.of(ARN)
        poller = await source.open(MAPPING)
        (Path(source._root) / "incoming" / "a.txt").write_text("")  # type: ignore[attr-defined]
        assert await names(poller) == ["a.txt"]
        await poller.close()
        again = await source.open(MAPPING)
        assert await names(again) == ["a.txt"]
        await again.close()

    asyncio.run(scene())


def test_a_source_that_nobody_brought_is_unrecognized(sources: Sources) -> None:
    with pytest.raises(InvalidParameterValueException, match="Unrecognized event source"):
        sources.of("arn:aws:teapot:us-east-1:000000000000:x")
