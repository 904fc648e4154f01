"""CBOR from strangers: what is no request of a protocol of AWS's is refused before anything is made of it."""

import gzip

import cbor2
import pytest
from botocore.loaders import Loader

from stoker.wire.api import ServiceApi
from stoker.wire.errors import RequestEntityTooLargeException, SerializationException, UnknownOperationException
from stoker.wire.message import Request
from stoker.wire.packed import unpack

API = ServiceApi.load("cloudwatch", Loader())
PLACE = "/service/GraniteServiceVersion20100801/operation/"


def request(body: bytes, operation: str = "PutMetricData") -> Request:
    return Request(method="POST", host="localhost", path=PLACE + operation, query="", headers={}, body=body)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"\x81" * 100_000,
        b"\x9b\x00\x00\x00\x10\x00\x00\x00\x00",
        bytes.fromhex("d81c81d81d00"),
        bytes.fromhex("c249010000000000000000"),
        bytes.fromhex("c4821b7fffffffffffffff01"),
        bytes.fromhex("d823623a28"),
        cbor2.dumps([1]),
        cbor2.dumps({1: 2, (1, 2): 3}),
        cbor2.dumps({"Namespace": b"bytes"}),
        cbor2.dumps({"Namespace": "x", "MetricData": [{"MetricName": "m", "Value": "much"}]}),
        cbor2.dumps({"Namespace": "x", "MetricData": [{"MetricName": "m", "Timestamp": cbor2.CBORTag(1, 1e300)}]}),
        cbor2.dumps({"Namespace": "x", "MetricData": [{"MetricName": "m", "Timestamp": cbor2.CBORTag(9999, 1)}]}),
    ],
)
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    sent = request(body)
    with pytest.raises(SerializationException):
        API.operation(sent).parse(sent)


def test_an_operation_that_there_is_not_is_refused() -> None:
    for path in ("/", PLACE, f"{PLACE}Nothing", "/service/Other/operation/PutMetricData"):
        with pytest.raises(UnknownOperationException):
            API.operation(Request(method="POST", host="localhost", path=path, query="", headers={}))


def test_what_is_packed_is_unpacked_within_its_limit() -> None:
    assert unpack(gzip.compress(b"x" * 1000), 1000) == b"x" * 1000
    with pytest.raises(RequestEntityTooLargeException):
        unpack(gzip.compress(b"x" * 1001), 1000)
    for body in (b"", b"x", gzip.compress(b"x" * 1000)[:-9]):
        with pytest.raises(SerializationException):
            unpack(body, 1000)
