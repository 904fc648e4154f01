"""Brings a database to this release's schema. Alembic is imported only when there is something to do."""

from pathlib import Path

import sqlalchemy as sa

# The newest migration in migrations/versions; a test holds the two together.
HEAD = "0024"
_MIGRATIONS = Path(__file__).with_name("migrations")


class NewerSchemaError(Exception):
    """The database was written by a newer Stoker; run that one, or restore a backup."""


def upgrade(engine: sa.Engine) -> None:
    """Run the migrations that are missing, all in one transaction. Raises NewerSchemaError."""
    version = current_version(engine)
    if version == HEAD:
        return
    if version is not None and version > HEAD:
        raise NewerSchemaError(f"schema {version}, this release knows {HEAD}: {NewerSchemaError.__doc__}")
    _run_migrations(engine)


def current_version(engine: sa.Engine) -> str | None:
    """The last migration that ran, None for an empty database."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _run_migrations(engine: sa.Engine) -> None:
    # Here and not above: alembic and mako cost 10 MB and 100 ms, and almost every start needs neither.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    if engine.dialect.name == "postgresql":
        # Who waited for another Stoker's migrations must see what they did, not the snapshot from before the wait.
        engine = engine.execution_options(isolation_level="READ COMMITTED")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
