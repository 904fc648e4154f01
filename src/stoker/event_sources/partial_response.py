"""What a function says of each record of a batch (ReportBatchItemFailures). Pure.

Source: "Handling errors for an SQS event source" and its like for streams in the Lambda Developer Guide.
"""

import json
from collections.abc import Sequence


def failed_ids(payload: bytes, ids: Sequence[str]) -> Sequence[str]:
    """Those of a batch's ids that failed, in the batch's order: all of them where the answer makes no sense."""
    try:
        answer = json.loads(payload or b"null")
    except (ValueError, RecursionError):
        return ids
    if answer is None or answer == {}:
        return []
    if not isinstance(answer, dict):
        # Without a list of failures there is none: a function may answer what it likes.
        return [] if isinstance(answer, str) and not answer else ids
    failures = answer.get("batchItemFailures")
    if failures is None:
        return []
    if not isinstance(failures, list):
        return ids
    named = [failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures]
    if not all(isinstance(name, str) and name in ids for name in named):
        return ids
    return [each for each in ids if each in named]
