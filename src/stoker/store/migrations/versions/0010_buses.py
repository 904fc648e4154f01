"""EventBridge, its schedules, and SNS."""

revision = "0010"
down_revision = "0009"


def upgrade() -> None: ...
