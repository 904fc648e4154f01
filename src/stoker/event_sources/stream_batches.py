"""What becomes of a stream's batch after it was tried: over, tried again, split, or given up. Pure.

Source: "How Lambda processes records from stream and queue-based event sources" in the Lambda Developer Guide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from stoker.event_sources.mapping import Options
from stoker.event_sources.partial_response import failed_ids
from stoker.event_sources.shards import StreamRecord
from stoker.model.invocation import InvocationResult

RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
AGE_EXCEEDED = "RecordAgeExceeded"
FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 60.0

Records = Sequence[StreamRecord]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Records that go to a function together, and how often they have been there."""

    records: Records
    attempts: int = 0


@dataclass(frozen=True, kw_only=True)
class Next:
    """What is left to do, in its order: each batch after `delay_s`. `lost` are given up, for `condition`."""

    batches: Sequence[Batch] = ()
    delay_s: float = 0.0
    lost: Records = ()
    condition: str = RETRIES_EXHAUSTED


def before(batch: Batch, options: Options, now: float) -> Next | None:
    """What is too old is given up; None where nothing is."""
    if options.max_age_s < 0:
        return None
    old = [each for each in batch.records if now - each.arrived_at > options.max_age_s]
    if not old:
        return None
    young = [each for each in batch.records if each not in old]
    left = [Batch(records=young, attempts=batch.attempts)] if young else []
    return Next(batches=left, lost=old, condition=AGE_EXCEEDED)


def after(batch: Batch, result: InvocationResult | None, options: Options) -> Next:
    """`result` is None where the function could not run: that is tried again until the records are too old."""
    if result is None:
        return Next(batches=[batch], delay_s=_backoff_s(batch.attempts))
    failed = _first_failed(batch, result, options)
    if failed is None:
        return Next()
    attempts = batch.attempts + 1
    left = batch.records[failed:]
    if len(left) < len(batch.records) and not options.bisect:
        # What came before was done: for AWS the rest is the same batch, tried once more.
        batch = Batch(records=left, attempts=batch.attempts)
    if options.bisect and len(left) > 1:
        return _bisected(batch, failed, attempts, options)
    if 0 <= options.max_retries < attempts:
        return Next(lost=left)
    return Next(batches=[Batch(records=left, attempts=attempts)], delay_s=_backoff_s(batch.attempts))


def _bisected(batch: Batch, failed: int, attempts: int, options: Options) -> Next:
    """At the record that is named or, where none is, in the middle. Splitting is no retry, so the halves begin anew."""
    if failed > 0:
        return Next(batches=[Batch(records=batch.records[failed:], attempts=attempts - 1)])
    middle = len(batch.records) // 2
    halves = (batch.records[:middle], batch.records[middle:])
    return Next(batches=[Batch(records=half) for half in halves], delay_s=_backoff_s(0))


def _first_failed(batch: Batch, result: InvocationResult, options: Options) -> int | None:
    """The place of the first record that failed; None where none did."""
    if result.function_error is not None:
        return 0
    if not options.report_failures:
        return None
    ids = [each.record.id for each in batch.records]
    failed = failed_ids(result.payload, ids)
    return ids.index(failed[0]) if failed else None


def _backoff_s(attempts: int) -> float:
    return min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(attempts, 30))


def lanes(records: Records, count: int) -> list[list[StreamRecord]]:
    """Records that may be worked on beside each other: those with one key stay in one lane, in their order."""
    found: list[list[StreamRecord]] = [[] for _ in range(count)]
    for each in records:
        # Python's own hash differs from process to process, and a retry after a restart may land elsewhere: that is
        # no harm, since lanes do not outlive a round.
        found[hash(each.key) % count].append(each)
    return [lane for lane in found if lane]
