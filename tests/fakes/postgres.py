"""A throw-away PostgreSQL of Debian's packages: real, so that both engines are held to the same tests."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from fakes.live_server import free_port

# A machine without PostgreSQL must say so aloud: a silent skip in CI would leave half of the store untested.
OPT_OUT = "STOKER_TEST_NO_POSTGRES"
SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "listen_addresses=127.0.0.1",
    # For sources of rows; it changes nothing for who does not replicate.
    "wal_level=logical",
)


def postgres_programs() -> Path:
    """The newest installed PostgreSQL's programs. Raises RuntimeError where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4].split(".")[0]))
    if not found:
        raise RuntimeError(f"PostgreSQL is missing: apt-get install postgresql, or set {OPT_OUT}=1 to test without it")
    return found[-1].parent


@dataclass(frozen=True)
class PostgresServer:
    """One server; `start` and `stop` as often as a test wants."""

    root: Path
    port: int
    settings: tuple[str, ...]

    @property
    def url(self) -> str:
        return f"postgresql://stoker@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        given = (*self.settings, f"port={self.port}", f"unix_socket_directories={self.root}")
        self._control("-l", self.root / "log", "-o", " ".join(f"-c {setting}" for setting in given), "start")

    def stop(self, how: str = "immediate") -> None:
        self._control("-m", how, "stop")

    def _control(self, *words: object) -> None:
        _run(postgres_programs() / "pg_ctl", "-D", self.root / "data", "-w", "-t", "120", *words)


@contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server that lives as long as the block."""
    with own_postgres() as server:
        yield server.url


@contextmanager
def own_postgres(*settings: str) -> Iterator[PostgresServer]:
    """A PostgreSQL server that lives as long as the block; settings given win."""
    programs = postgres_programs()
    root = Path(tempfile.mkdtemp(prefix="stoker-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(root, "postgres", "postgres")
        _run(programs / "initdb", "-D", root / "data", "-U", "stoker", "-A", "trust", "--no-sync")
        server = PostgresServer(root, free_port(), (*SETTINGS, *settings))
        server.start()
        try:
            yield server
        finally:
            if (root / "data" / "postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(root)


@contextmanager
def fresh_database(server: str, name: str) -> Iterator[str]:
    """The URL of an empty database on the server, dropped after the block."""
    engine = sa.create_engine(sa.make_url(server), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    try:
        yield server.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with engine.connect() as connection:
            connection.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))


def _run(*command: object) -> None:
    """PostgreSQL refuses to run as root, so root's tests run it as Debian's user for it."""
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *words]
    result = subprocess.run(words, cwd="/", capture_output=True, text=True, timeout=150)
    if result.returncode:
        raise RuntimeError(f"{' '.join(words)}: {result.stdout}{result.stderr}")
