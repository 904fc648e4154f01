"""Events to try functions with: one of each source, in the shape in which that sends it. Their values are made up.

The console offers them under *Test*, the command as `stoker invoke --event`.
"""

from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).with_name("sample_events")
TITLES: Mapping[str, str] = {
    "hello": "A name",
    "http": "HTTP: a function URL or an HTTP API",
    "rest": "HTTP: a REST API",
    "sqs": "SQS: two messages of a queue",
    "sns": "SNS: a notification",
    "s3-put": "S3: an object was put",
    "s3-delete": "S3: an object was deleted",
    "dynamodb": "DynamoDB: an item was changed",
    "kinesis": "Kinesis: a record of a stream",
    "schedule": "EventBridge: a schedule",
    "eventbridge": "EventBridge: an event of one's own",
}


def sample_event(name: str) -> str:
    """The JSON of one of TITLES, laid out for people. Part of the package: it is read as code is."""
    return (_FOLDER / f"{name}.json").read_text()


def sample_events() -> Mapping[str, tuple[str, str]]:
    """Title and JSON of each event, by name."""
    return {name: (title, sample_event(name)) for name, title in TITLES.items()}
