"""Every table of the first release, as the tables modules say. Later migrations spell out their changes."""

from alembic import op

from stoker.store.tables import complete_metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    complete_metadata().create_all(op.get_bind())
