import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Never

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from stoker.store import schema_version
from stoker.store.engines import UnsupportedStoreError, supported_url, writer_engine
from stoker.store.store import open_store
from stoker.store.tables import complete_metadata


def test_the_newest_migration_is_the_one_that_a_start_compares_with() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema_version._MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == schema_version.HEAD


def test_a_new_database_gets_every_table(store_url: str) -> None:
    asyncio.run(open_store(store_url).close())
    engine = writer_engine(supported_url(store_url))
    names = set(sa.inspect(engine).get_table_names())
    engine.dispose()
    assert names == set(complete_metadata().tables) | {"alembic_version"}


def test_a_second_start_does_not_even_import_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'stoker.db'}"
    asyncio.run(open_store(url).close())
    code = (
        f"from stoker.store.store import open_store; open_store({url!r}); import sys; print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"


def test_a_server_does_not_carry_along_what_made_its_database(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from stoker.serve import run
from stoker.settings import Settings
from stoker.store.store import open_store
settings = Settings(data=Path({str(tmp_path)!r}))
run._migrate_apart(settings)
open_store(settings.database_url)
print("alembic" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"


def test_a_database_of_a_newer_stoker_is_left_alone(store_url: str) -> None:
    asyncio.run(open_store(store_url).close())
    engine = writer_engine(supported_url(store_url))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(schema_version.NewerSchemaError, match="newer Stoker"):
        open_store(store_url)


def test_a_migration_that_fails_leaves_nothing_behind(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        @property
        def tables(self) -> Never:
            op.execute("CREATE TABLE half (done INTEGER)")
            raise RuntimeError("power gone")

    from stoker.store import tables

    monkeypatch.setattr(tables, "complete_metadata", Broken)
    with pytest.raises(RuntimeError):
        open_store(store_url)
    engine = writer_engine(supported_url(store_url))
    names = sa.inspect(engine).get_table_names()
    engine.dispose()
    assert names == []


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_a_store_that_could_not_keep_its_promises_is_refused(url: str) -> None:
    with pytest.raises(UnsupportedStoreError, match="sqlite:///path"):
        open_store(url)


def test_an_acknowledged_sqlite_commit_is_on_the_disk(tmp_path: Path) -> None:
    engine = writer_engine(supported_url(f"sqlite:///{tmp_path / 'stoker.db'}"))
    with engine.connect() as connection:
        asked = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "journal_mode")
        }
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()
    assert asked == {"synchronous": 2, "journal_mode": "wal"}


def test_migrations_make_the_tables_that_the_code_believes_in(store_url: str) -> None:
    asyncio.run(open_store(store_url).close())
    engine = writer_engine(supported_url(store_url))
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), complete_metadata())
    engine.dispose()
    assert [each for each in differences if "alembic_version" not in str(each)] == []
