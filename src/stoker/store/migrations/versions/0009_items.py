"""DynamoDB and its streams."""

revision = "0009"
down_revision = "0008"


def upgrade() -> None: ...
