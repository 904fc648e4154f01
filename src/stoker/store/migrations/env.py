"""What Alembic runs around the migrations: on the connection, and in the transaction, that `upgrade` opened."""

import sqlalchemy as sa
from alembic import context

from stoker.store.tables import complete_metadata

# Any number, as long as every Stoker takes the same: two that start at once on one PostgreSQL migrate in turn.
MIGRATION_LOCK = 0x5704E

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
# transactional_ddl: SQLite can, but Alembic believes sqlite3's old habit of committing before DDL.
context.configure(connection=connection, target_metadata=complete_metadata(), transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
