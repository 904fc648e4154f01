"""What is on its way to other services."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None: ...
