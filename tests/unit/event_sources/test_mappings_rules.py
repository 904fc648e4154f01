"""Batches, filters, partial answers, concurrency and retries: pure."""

import json
from typing import Any

import pytest

from stoker.event_sources import tumbling
from stoker.event_sources.batching import event_of, size_of, split
from stoker.event_sources.failure_record import failure_record
from stoker.event_sources.filtering import compile_filters
from stoker.event_sources.mapping import Mapping, Options
from stoker.event_sources.options import options_from
from stoker.event_sources.partial_response import failed_ids
from stoker.event_sources.poller import Record
from stoker.event_sources.scaling import Scaling
from stoker.event_sources.shards import StreamRecord
from stoker.event_sources.source import Abilities
from stoker.event_sources.stream_batches import AGE_EXCEEDED, Batch, after, before, lanes
from stoker.event_sources.tumbling import Window
from stoker.model.arn import FunctionId
from stoker.model.errors import ServiceError
from stoker.model.invocation import InvocationResult

STREAM = Abilities(label="DynamoDB", batch_size=100, streams=True)


def record(name: str, **view: Any) -> Record:
    return Record(id=name, event=json.dumps({"id": name}).encode(), view=view)


def stream(*names: str, at: float = 0.0) -> list[StreamRecord]:
    return [StreamRecord(record=record(name), key=name, arrived_at=at, position=name) for name in names]


def answered(payload: object = None, error: str | None = None) -> InvocationResult:
    data = json.dumps(payload).encode()
    return InvocationResult(request_id="r", payload=data, executed_version="$LATEST", function_error=error)


def names(batches: Any) -> list[list[str]]:
    return [[each.record.id for each in batch.records] for batch in batches]


def test_an_event_holds_what_lambda_takes() -> None:
    records = [record(str(n)) for n in range(5)]
    assert json.loads(event_of(records)) == {"Records": [{"id": str(n)} for n in range(5)]}
    assert size_of(records) >= len(event_of(records))
    assert [len(batch) for batch in split(records, 2)] == [2, 2, 1]
    assert [len(batch) for batch in split(records, 100, most_bytes=size_of(records[:3]))] == [3, 2]
    assert [len(batch) for batch in split(records, 100, most_bytes=1)] == [1] * 5


@pytest.mark.parametrize(
    ("pattern", "body", "matches"),
    [
        ('{"body":{"a":[1]}}', '{"a":1}', True),
        ('{"body":{"a":[1]}}', '{"a":2}', False),
        ('{"body":{"a":[1]}}', "plain", False),
        ('{"body":["plain"]}', "plain", True),
        ('{"body":["plain"]}', '{"a":1}', False),
        ('{"kind":["x"]}', "plain", True),
        ('{"body":{"a":[{"prefix":"b"}]}}', '{"a":"bc"}', True),
    ],
)
def test_a_filter_sees_what_is_encoded_in_a_body(pattern: str, body: str, matches: bool) -> None:
    assert compile_filters([pattern])(record("m", body=body, kind="x")) is matches


def test_filters_are_alternatives_and_none_lets_all_through() -> None:
    either = compile_filters(['{"kind":["a"]}', '{"kind":["b"]}'])
    assert [either(record("m", kind=kind)) for kind in "abc"] == [True, True, False]
    assert compile_filters([])(record("m"))


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (b"", []),
        (b"null", []),
        (b"{}", []),
        (b'{"batchItemFailures": []}', []),
        (b'{"batchItemFailures": null}', []),
        (b'{"batchItemFailures": [{"itemIdentifier": "2"}]}', ["2"]),
        (b'{"batchItemFailures": [{"itemIdentifier": "x"}]}', ["1", "2"]),
        (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', ["1", "2"]),
        (b'{"batchItemFailures": [{"foo": "2"}]}', ["1", "2"]),
        (b"nonsense", ["1", "2"]),
    ],
)
def test_an_answer_that_makes_no_sense_fails_the_whole_batch(answer: bytes, failed: list[str]) -> None:
    assert list(failed_ids(answer, ["1", "2"])) == failed


def test_concurrency_begins_at_five_grows_with_a_backlog_and_shrinks_with_errors() -> None:
    scaling = Scaling(None)
    for _ in range(5):
        assert scaling.room(0.0)
        scaling.begin()
    assert not scaling.room(0.0)
    assert scaling.more_room_at(0.0) == pytest.approx(0.2)
    assert scaling.room(0.3)
    for _ in range(5):
        scaling.end(well=False)
    scaling.begin()
    scaling.begin()
    assert not scaling.room(0.4)
    few = Scaling(2)
    few.begin()
    few.begin()
    assert not few.room(0.0)
    assert few.more_room_at(0.0) is None


def test_options_of_streams_are_checked() -> None:
    with pytest.raises(ServiceError, match="startingPosition"):
        options_from({}, STREAM)
    latest = {"StartingPosition": "LATEST"}
    assert options_from(latest, STREAM).batch_size == 100
    with pytest.raises(ServiceError, match="ParallelizationFactor must be 1"):
        options_from({**latest, "TumblingWindowInSeconds": 10, "ParallelizationFactor": 2}, STREAM)
    with pytest.raises(ServiceError, match="StartingPosition is not valid for SQS"):
        options_from(latest, Abilities(label="SQS"))


def test_a_batch_that_fails_is_tried_again_until_its_retries_are_used_up() -> None:
    options = Options(max_retries=1)
    batch = Batch(records=stream("a", "b"))
    failed = answered(error="Unhandled")
    first = after(batch, failed, options)
    assert (names(first.batches), first.delay_s) == ([["a", "b"]], 1.0)
    last = after(first.batches[0], failed, options)
    assert (last.batches, [each.record.id for each in last.lost]) == ((), ["a", "b"])
    throttled = after(batch, None, options)
    assert (throttled.batches[0].attempts, throttled.lost) == (0, ())


def test_a_batch_is_split_to_find_the_record_that_fails() -> None:
    options = Options(bisect=True, max_retries=0)
    failed = answered(error="Unhandled")
    halves = after(Batch(records=stream("a", "b", "c")), failed, options).batches
    assert names(halves) == [["a"], ["b", "c"]]
    assert [each.record.id for each in after(halves[0], failed, options).lost] == ["a"]


def test_a_partial_failure_goes_on_from_the_first_that_failed() -> None:
    options = Options(report_failures=True)
    answer = answered({"batchItemFailures": [{"itemIdentifier": "c"}, {"itemIdentifier": "b"}]})
    left = after(Batch(records=stream("a", "b", "c")), answer, options)
    assert (names(left.batches), left.batches[0].attempts) == ([["b", "c"]], 1)


def test_records_that_are_too_old_are_given_up() -> None:
    batch = Batch(records=[*stream("old", at=0.0), *stream("young", at=50.0)])
    step = before(batch, Options(max_age_s=60), 100.0)
    assert step is not None
    assert (names(step.batches), step.condition) == ([["young"]], AGE_EXCEEDED)
    assert before(batch, Options(), 1e9) is None


def test_records_with_one_key_stay_in_one_lane() -> None:
    records = [
        StreamRecord(record=record(f"{key}{n}"), key=key, arrived_at=0.0, position="")
        for n in range(3)
        for key in "abc"
    ]
    for lane in lanes(records, 4):
        for key in "abc":
            of_key = [each.record.id for each in lane if each.key == key]
            assert of_key in ([], [f"{key}0", f"{key}1", f"{key}2"])


def test_a_window_holds_what_arrived_in_it_and_carries_a_state() -> None:
    window = Window.around(125.0, 60)
    assert (window.start, window.end) == (120.0, 180.0)
    records = [*stream("a", at=125.0), *stream("b", at=185.0)]
    assert [each.record.id for each in tumbling.within(records, window)] == ["a"]
    event = json.loads(tumbling.event_of(records[:1], window, shard_id="s", source_arn="arn", final=True))
    assert event == {
        "Records": [{"id": "a"}],
        "window": {"start": "1970-01-01T00:02:00Z", "end": "1970-01-01T00:03:00Z"},
        "state": {},
        "shardId": "s",
        "eventSourceARN": "arn",
        "isFinalInvokeForWindow": True,
        "isWindowTerminatedEarly": False,
    }
    assert tumbling.state_in(b'{"state":{"n":1}}') == {"n": 1}
    assert tumbling.state_in(b"7") is None


@pytest.mark.parametrize(
    ("batch_info", "arrived"),
    [("DDBStreamBatchInfo", "2022-07-13T13:48:01Z"), ("KinesisBatchInfo", "2022-07-13T13:48:01.250Z")],
)
def test_what_was_given_up_is_told_as_its_service_tells_it(batch_info: str, arrived: str) -> None:
    bucket = "arn:aws:s3:::lost"
    mapping = Mapping(
        uuid="u",
        function=FunctionId(account="000000000000", region="us-east-1", name="f"),
        qualifier="live",
        source_arn="arn:aws:kinesis:us-east-1:000000000000:stream/s",
        options=Options(on_failure=bucket),
        state="Enabled",
        modified=0.0,
    )
    told = json.loads(
        failure_record(
            mapping,
            "shardId-1",
            stream("a", "b", at=1657720081.25),
            condition=AGE_EXCEEDED,
            attempts=0,
            result=None,
            batch_info=batch_info,
            now=1657720082.5,
        )
    )
    assert told == {
        "requestContext": {
            "requestId": "",
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:f:live",
            "condition": "RecordAgeExceeded",
            "approximateInvokeCount": 0,
        },
        "responseContext": None,
        "version": "1.0",
        "timestamp": "2022-07-13T13:48:02.500Z",
        batch_info: {
            "shardId": "shardId-1",
            "startSequenceNumber": "a",
            "endSequenceNumber": "b",
            "approximateArrivalOfFirstRecord": arrived,
            "approximateArrivalOfLastRecord": arrived,
            "batchSize": 2,
            "streamArn": mapping.source_arn,
        },
        # Only a bucket gets the batch itself.
        "payload": {"Records": [{"id": "a"}, {"id": "b"}]},
    }
