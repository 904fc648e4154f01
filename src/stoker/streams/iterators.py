"""Shard iterators and tokens of lists: where a reader is, in a text that only Stoker reads."""

import base64
from typing import TypeVar

import msgspec

from stoker.streams.errors import ExpiredIterator, ExpiredNextToken, InvalidArgument

LIFE_S = 300.0
S = TypeVar("S", bound=msgspec.Struct)


class Iterator(msgspec.Struct, frozen=True, array_like=True):
    """The stream by ARN and id, the shard's number, the record to be read next, and when it was made."""

    arn: str
    stream_id: int
    shard: int
    next: int
    made: float


class ListToken(msgspec.Struct, frozen=True, array_like=True):
    """What a list was of, the last that it told, and when."""

    of: str
    after: str
    made: float


def told(place: msgspec.Struct) -> str:
    """The text."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode()


def parse_iterator(text: str, *, now: float) -> Iterator:
    """InvalidArgumentException, ExpiredIteratorException."""
    place = _parsed(text, Iterator)
    if place is None:
        raise InvalidArgument("Invalid ShardIterator.")
    if now - place.made > LIFE_S:
        raise ExpiredIterator(
            f"Iterator expired. The iterator was created {now - place.made:.0f} seconds ago, which is longer than the "
            f"tolerated delay of {LIFE_S * 1000:.0f} milliseconds."
        )
    return place


def parse_token(text: str, *, now: float) -> ListToken:
    """ExpiredNextTokenException."""
    token = _parsed(text, ListToken)
    if token is None or now - token.made > LIFE_S:
        raise ExpiredNextToken
    return token


def arn_in(text: str) -> str:
    """The ARN of an iterator's stream, empty for what is no iterator."""
    place = _parsed(text, Iterator)
    return "" if place is None else place.arn


def listed_in(text: str) -> str:
    """What a token's list is of, empty for what is no token."""
    token = _parsed(text, ListToken)
    return "" if token is None else token.of


def _parsed(text: str, kind: type[S]) -> S | None:
    try:
        return msgspec.msgpack.decode(base64.urlsafe_b64decode(text), type=kind)
    except (ValueError, RecursionError):
        return None
