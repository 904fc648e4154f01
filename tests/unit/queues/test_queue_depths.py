"""How many messages queues have, for those who watch from outside."""

import asyncio
import shutil
from pathlib import Path

import pytest

from fakes.clock import FakeClock
from stoker.queues import depths as depths_module
from stoker.queues.contents import Contents
from stoker.queues.depths import depths
from stoker.queues.message import Outgoing
from stoker.queues.queues import Queues
from stoker.store.store import open_store

OTHERS = ("(other)", "(other)")


def test_queues_beyond_the_bound_are_told_together(
    tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depths_module, "MOST_NAMES", 2)
    shutil.copy(empty_store, tmp_path / "stoker.db")

    async def play() -> None:
        store = await asyncio.to_thread(open_store, f"sqlite:///{tmp_path / 'stoker.db'}")
        queues = Queues(
            account="000000000000", store=store, clock=FakeClock(), key=b"k" * 32, contents=Contents(b"c" * 32)
        )
        await queues.start()
        made = [await queues.catalogue.create("us-east-1", f"q{number}", {}, {}) for number in range(4)]
        for queue in made:
            for body in "abc":
                await queues.send(queue, Outgoing(body=body, sender_id="me", group_id=None, deduplication_id=None))
            await queues.receive(queue, most=1)
        found = await depths(queues)
        await queues.close()
        await store.close()
        assert len(found) == 9
        assert found["us-east-1", "q0", "visible"] == 2 and found["us-east-1", "q1", "in_flight"] == 1
        assert [found[(*OTHERS, state)] for state in ("visible", "in_flight", "delayed")] == [4, 2, 0]

    asyncio.run(play())
