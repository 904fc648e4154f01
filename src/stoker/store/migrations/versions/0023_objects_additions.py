"""What S3 was given later."""

revision = "0023"
down_revision = "0022"


def upgrade() -> None: ...
