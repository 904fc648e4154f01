"""Users, roles, policies and their keys."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None: ...
