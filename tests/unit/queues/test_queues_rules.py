"""What may be sent, digests, receipts and numbers: pure."""

import pytest

from stoker.queues.attributes import settings_of
from stoker.queues.checksums import attributes_md5
from stoker.queues.errors import QueueError, ReceiptHandleIsInvalid
from stoker.queues.message import MessageAttribute, Outgoing
from stoker.queues.message_rules import check_batch, check_message
from stoker.queues.receipts import Receipt, Receipts
from stoker.queues.tally import Tally

STANDARD = settings_of({})
FIFO = settings_of({"FifoQueue": "true"})


def test_the_digest_of_attributes_is_the_documented_one() -> None:
    # From AWS's own SDKs' tests: a String, and then a Binary of two bytes.
    text = {"test_attribute_name_1": MessageAttribute(data_type="String", text="test_attribute_value_1")}
    assert attributes_md5({}) is None
    both = {**text, "a": MessageAttribute(data_type="Binary", data=b"\x00\x01")}
    assert attributes_md5(both) == attributes_md5(dict(reversed(both.items())))
    assert attributes_md5(both) != attributes_md5(text)


@pytest.mark.parametrize(
    ("message", "settings", "text"),
    [
        (Outgoing(body="", sender_id="i"), STANDARD, "must contain the parameter MessageBody"),
        (Outgoing(body="\x01", sender_id="i"), STANDARD, "Invalid binary character '#x1'"),
        (Outgoing(body="x", sender_id="i", delay_s=901), STANDARD, "Value 901 for parameter DelaySeconds is invalid"),
        (Outgoing(body="x", sender_id="i", deduplication_id="d"), STANDARD, "not valid for this queue type"),
        (Outgoing(body="x", sender_id="i"), FIFO, "must contain the parameter MessageGroupId"),
        (Outgoing(body="x", sender_id="i", group_id="g"), FIFO, "ContentBasedDeduplication enabled or"),
        (Outgoing(body="x", sender_id="i", group_id="ä"), STANDARD, "alphanumeric and punctuation"),
    ],
)
def test_what_a_queue_cannot_take_is_refused(message: Outgoing, settings: object, text: str) -> None:
    with pytest.raises(QueueError) as caught:
        check_message(message, settings)  # type: ignore[arg-type]
    assert text in caught.value.message


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        (MessageAttribute(data_type="", text="x"), "must contain non-empty message attribute type"),
        (MessageAttribute(data_type="Date", text="x"), "has an invalid message attribute type"),
        (MessageAttribute(data_type="String", text=""), "must contain non-empty message attribute value"),
        (MessageAttribute(data_type="Number", text="one"), "Can't cast the value"),
        (MessageAttribute(data_type="Binary", text="x"), "must contain non-empty message attribute value"),
    ],
)
def test_an_attribute_that_is_none_is_refused(attribute: MessageAttribute, text: str) -> None:
    with pytest.raises(QueueError, match=text):
        check_message(Outgoing(body="x", sender_id="i", attributes={"a": attribute}), STANDARD)


def test_the_entries_of_a_batch_have_ids_of_their_own() -> None:
    for ids in ([], ["a"] * 2, ["a b"], [str(n) for n in range(11)]):
        with pytest.raises(QueueError):
            check_batch(ids, "Entry")
    check_batch([str(n) for n in range(10)], "Entry")


def test_a_receipt_is_for_one_queue_and_under_one_key() -> None:
    receipt = Receipt(queue_id=7, message=2**60, count=3)
    handle = Receipts(b"a").handle(receipt)
    assert handle.startswith("AQEB")
    assert Receipts(b"a").read(handle, 7) == receipt
    for key, queue in ((b"b", 7), (b"a", 8)):
        with pytest.raises(ReceiptHandleIsInvalid):
            Receipts(key).read(handle, queue)


def test_numbers_change_with_time_alone() -> None:
    tally = Tally()
    tally.arrived(100.0, now=0.0)
    tally.arrived(0.0, now=0.0)
    tally.hidden(30.0, now=0.0)
    assert (tally.visible(0.0), tally.in_flight(0.0), tally.delayed(0.0)) == (0, 1, 1)
    assert (tally.visible(31.0), tally.in_flight(31.0), tally.delayed(31.0)) == (1, 0, 1)
    tally.gone(30.0, received=True)
    assert (tally.visible(101.0), tally.total) == (1, 1)
