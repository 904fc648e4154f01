"""AddPermission and RemovePermission: statements in a queue's policy by their label. Pure."""

import json
import re
from collections.abc import Sequence
from typing import Any

from stoker.queues.errors import InvalidParameterValue, MissingParameter, OverLimit

MAX_ACTIONS = 7
MAX_STATEMENTS = 20
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ACCOUNT = re.compile(r"\d{12}")
ACTIONS = frozenset(
    {
        "*",
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
    }
)


def add(policy: str | None, arn: str, label: str, accounts: Sequence[str], actions: Sequence[str]) -> str:
    """The policy with one more statement."""
    _check(label, accounts, actions)
    document: dict[str, Any] = (
        json.loads(policy)
        if policy is not None
        else {"Version": "2008-10-17", "Id": f"{arn}/SQSDefaultPolicy", "Statement": []}
    )
    statements = _statements(document)
    if any(statement.get("Sid") == label for statement in statements):
        raise InvalidParameterValue.of("Label", label, "Already exists.")
    if len(statements) >= MAX_STATEMENTS:
        raise OverLimit(f"{MAX_STATEMENTS} statements were found, maximum allowed is {MAX_STATEMENTS}.")
    principals = [f"arn:aws:iam::{account}:root" for account in accounts]
    named = [f"SQS:{action}" for action in actions]
    statement = {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": principals[0] if len(principals) == 1 else principals},
        "Action": named[0] if len(named) == 1 else named,
        "Resource": arn,
    }
    return json.dumps({**document, "Statement": [*statements, statement]}, separators=(",", ":"))


def remove(policy: str | None, label: str) -> str | None:
    """The policy without a statement; None once it has no more."""
    document = json.loads(policy) if policy is not None else {}
    statements = _statements(document)
    left = [statement for statement in statements if statement.get("Sid") != label]
    if len(left) == len(statements):
        raise InvalidParameterValue.of("Label", label, "can't find label.")
    return json.dumps({**document, "Statement": left}, separators=(",", ":")) if left else None


def _statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    statements = document.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _check(label: str, accounts: Sequence[str], actions: Sequence[str]) -> None:
    if not _LABEL.fullmatch(label):
        raise InvalidParameterValue.of(
            "Label", label, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )
    if not accounts:
        raise MissingParameter.of("AWSAccountIds")
    if not actions:
        raise MissingParameter.of("Actions")
    for account in accounts:
        if not _ACCOUNT.fullmatch(account):
            raise InvalidParameterValue.of("PrincipalId", json.dumps(list(accounts)), "Unable to verify.")
    for action in actions:
        if action not in ACTIONS:
            raise InvalidParameterValue.of(
                "ActionName", f"SQS:{action}", "Please refer to the appropriate WSDL for a list of valid actions."
            )
    if len(actions) > MAX_ACTIONS:
        raise OverLimit(f"{len(actions)} Actions were found, maximum allowed is {MAX_ACTIONS}.")
