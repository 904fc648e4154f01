import asyncio
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from stoker.store.blobs import BlobStore
from stoker.store.store import open_store


def acknowledged_until_killed(root: Path, how_many: int) -> set[int]:
    """Start the writer, wait for some acknowledgements, kill -9 it; every number that it acknowledged."""
    program = Path(__file__).with_name("durable_writer.py")
    writer = subprocess.Popen([sys.executable, str(program), str(root)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    try:
        lines = [writer.stdout.readline() for _ in range(how_many)]
    finally:
        writer.kill()
    # Not `communicate`: it reads past what `readline` has taken from the pipe and not yet given.
    with writer.stdout:
        lines += writer.stdout.readlines()
    writer.wait(120)
    return {int(line) for line in lines if line.endswith("\n")}


def test_everything_acknowledged_outlives_kill_9(tmp_path: Path) -> None:
    acknowledged: set[int] = set()
    for _ in range(3):
        acknowledged |= acknowledged_until_killed(tmp_path, random.randrange(1, 60))
    blobs = BlobStore(tmp_path / "blobs")
    with closing(sqlite3.connect(tmp_path / "stoker.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = dict(connection.execute("SELECT number, digest FROM kept"))
    assert acknowledged
    assert acknowledged <= kept.keys()
    for number, digest in kept.items():
        assert blobs.open(digest).read() == str(number).encode() * 100


COUNT = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM note").fetchone())
connection.close()
"""


def test_an_operators_shell_that_looks_and_leaves_takes_no_commit_with_it(tmp_path: Path) -> None:
    path = tmp_path / "stoker.db"

    def look() -> str:
        done = subprocess.run([sys.executable, "-c", COUNT, str(path)], capture_output=True, text=True, timeout=120)
        return done.stdout.strip()

    async def scenario() -> list[str]:
        store = open_store(f"sqlite:///{path}")
        await store.write(lambda conn: conn.execute(sa.text("CREATE TABLE note (text TEXT)")).close())
        seen = []
        for _ in range(3):
            await store.write(lambda conn: conn.execute(sa.text("INSERT INTO note VALUES ('x')")).close())
            seen.append(await asyncio.to_thread(look))
        await store.close()
        return seen

    assert asyncio.run(scenario()) == ["(1,)", "(2,)", "(3,)"]
