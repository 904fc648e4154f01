"""A stream's consumers: registered, found and forgotten. Pure."""

from msgspec.structs import replace

from stoker.streams.errors import StreamInUse, StreamLimitExceeded, StreamNotFound
from stoker.streams.stream import Consumer, Stream

MAX_CONSUMERS = 20


def registered(stream: Stream, consumer: Consumer, account: str) -> Stream:
    """The stream with a consumer more."""
    if stream.consumer(consumer.name) is not None:
        raise StreamInUse(
            f"Consumer {consumer.name} under stream {stream.arn(account)} already exists for account {account}."
        )
    if len(stream.consumers) >= MAX_CONSUMERS:
        raise StreamLimitExceeded(f"The limit of {MAX_CONSUMERS} registered consumers of a stream is reached.")
    return replace(stream, consumers=(*stream.consumers, consumer))


def deregistered(stream: Stream, name: str, account: str) -> Stream:
    """The stream without a consumer."""
    gone = required(stream, name, account)
    return replace(stream, consumers=tuple(each for each in stream.consumers if each != gone))


def required(stream: Stream, name: str, account: str, created: int | None = None) -> Consumer:
    """The consumer, made at that second where it was named by its ARN."""
    consumer = stream.consumer(name)
    if consumer is None or created not in (None, consumer.created):
        raise StreamNotFound(f"Consumer {name} under stream {stream.arn(account)} not found for account {account}.")
    return consumer
