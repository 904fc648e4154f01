"""Shards: however they are split, merged and counted, each key has one open shard, and each shard its parents."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.streams import resharding
from stoker.streams.errors import InvalidArgument, StreamLimitExceeded
from stoker.streams.hash_keys import LAST_KEY, hash_key
from stoker.streams.resharding import resharded
from stoker.streams.stream import Shard, Stream, parse_sequence, told_sequence

ACCOUNT = "000000000000"
fractions = st.floats(0, 1, exclude_max=True)
changes = st.one_of(
    st.tuples(st.just("split"), fractions, fractions),
    st.tuples(st.just("merge"), fractions, st.just(0.0)),
    st.tuples(st.just("count"), st.floats(0.5, 2.0), st.just(0.0)),
)


def stream_of(count: int) -> Stream:
    shards = resharding.first_shards(count, now=0.0)
    return Stream(region="us-east-1", name="s", created=0.0, shards=shards)


def changed(stream: Stream, change: tuple[str, float, float], now: float) -> Stream:
    kind, which, where = change
    shards = sorted(stream.open_shards, key=lambda shard: shard.keys)
    if kind == "split":
        shard = shards[int(which * len(shards))]
        first, last = shard.keys
        if last - first < 8:
            return stream
        ranges = resharding.split(stream, shard.name, str(first + 2 + int(where * (last - first - 2))), ACCOUNT)
    elif kind == "merge":
        if len(shards) < 2:
            return stream
        place = int(which * (len(shards) - 1))
        ranges = resharding.merged(stream, shards[place + 1].name, shards[place].name, ACCOUNT)
    else:
        ranges = resharding.counted(stream, min(max(1, round(which * len(shards))), 2 * len(shards)))
    return resharded(stream, ranges, dict.fromkeys(range(10_000), 7), now=now)


def overlap(one: Shard, other: Shard) -> bool:
    return one.keys[0] <= other.keys[1] and other.keys[0] <= one.keys[1]


@given(st.integers(1, 5), st.lists(changes, max_size=6), st.integers(0, LAST_KEY))
def test_every_key_has_one_open_shard_whatever_was_done(
    count: int, done: list[tuple[str, float, float]], key: int
) -> None:
    stream = stream_of(count)
    for now, change in enumerate(done, 1):
        stream = changed(stream, change, float(now))
    shards = sorted(stream.open_shards, key=lambda shard: shard.keys)
    assert (shards[0].keys[0], shards[-1].keys[1]) == (0, LAST_KEY)
    assert all(one.keys[1] + 1 == other.keys[0] for one, other in pairwise(shards))
    for wanted, shard in zip((key, 0, LAST_KEY), stream.shards_for([key, 0, LAST_KEY]), strict=True):
        first, last = shard.keys
        assert shard.is_open and first <= wanted <= last
    by_number = {shard.number: shard for shard in stream.shards}
    assert len(by_number) == len(stream.shards)
    for shard in stream.shards:
        for parent in shard.parents:
            assert parent < shard.number and overlap(shard, by_number[parent])
            assert by_number[parent].closed == shard.created and by_number[parent].last == 7


def test_what_cannot_be_resharded_is_refused() -> None:
    stream = stream_of(3)
    with pytest.raises(InvalidArgument, match="not an adjacent pair of shards"):
        resharding.merged(stream, "shardId-000000000000", "shardId-000000000002", ACCOUNT)
    with pytest.raises(InvalidArgument, match="is not both greater than one plus"):
        resharding.split(stream, "shardId-000000000000", "1", ACCOUNT)
    with pytest.raises(StreamLimitExceeded):
        resharding.counted(stream, 7)


def test_a_shard_whose_records_are_all_too_old_is_not_told() -> None:
    stream = stream_of(1)
    split = resharded(stream, resharding.split(stream, "shardId-000000000000", "100", ACCOUNT), {0: 5}, now=10.0)
    assert [shard.number for shard in split.listed(20.0)] == [0, 1, 2]
    assert [shard.number for shard in split.listed(10.0 + split.retention_s)] == [1, 2]


@given(st.integers(0, 10**6), st.integers(0, 10**15))
def test_a_sequence_number_is_its_shard_s_alone(shard: int, sequence: int) -> None:
    told = told_sequence(shard, sequence)
    assert len(told) == 56
    assert parse_sequence(shard, told) == sequence
    assert parse_sequence(shard + 1, told) is None
    assert told < told_sequence(shard, sequence + 1) < told_sequence(shard + 1, 0)


def test_a_partition_key_s_hash_is_its_md5() -> None:
    assert hash_key("", None) == 0xD41D8CD98F00B204E9800998ECF8427E
