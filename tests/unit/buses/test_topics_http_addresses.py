"""Where HTTP endpoints may be, and how they are retried."""

import json

import pytest

from stoker.buses.delivery_policy import MANAGED_RETRY, check_topic_policy, http_retry
from stoker.buses.topic_errors import InvalidParameterError
from stoker.deliveries.outbound import is_allowed
from stoker.model.errors import NotBuiltError


@pytest.mark.parametrize("address", ["93.184.216.34", "10.0.0.1", "192.168.1.5", "2606:2800:220:1::1", "fd00::1"])
def test_what_is_outside_or_in_a_private_network_may_be_called(address: str) -> None:
    assert is_allowed(address, allow_loopback=False)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1%eth0", "224.0.0.1", "0.0.0.0", "::", "240.0.0.1"],
)
def test_metadata_and_what_is_no_host_may_never_be_called(address: str) -> None:
    assert not is_allowed(address, allow_loopback=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_be_called_only_if_the_operator_says_so(address: str) -> None:
    assert not is_allowed(address, allow_loopback=False)
    assert is_allowed(address, allow_loopback=True)


def test_without_a_policy_there_are_three_retries_twenty_seconds_apart() -> None:
    retry = http_retry(None, None)
    assert (retry.max_retries, retry.delays_s) == (3, (20.0, 20.0, 20.0))


def test_a_policy_has_its_phases() -> None:
    policy = {
        "minDelayTarget": 1,
        "maxDelayTarget": 9,
        "numRetries": 7,
        "numNoDelayRetries": 1,
        "numMinDelayRetries": 1,
        "numMaxDelayRetries": 2,
        "backoffFunction": "linear",
    }
    topic = json.dumps({"http": {"defaultHealthyRetryPolicy": policy}})
    assert http_retry(topic, None).delays_s == (0.0, 1.0, 1.0, 5.0, 9.0, 9.0, 9.0)
    own = json.dumps({"healthyRetryPolicy": {"numRetries": 1}})
    assert http_retry(topic, own).max_retries == 1


def test_functions_and_queues_are_tried_for_23_days() -> None:
    assert [MANAGED_RETRY.delay_s(n, 0.5) for n in (1, 3, 4, 5, 6, 15, 16, 99_999)] == [0, 0, 1, 1, 1, 20, 20, 20]


@pytest.mark.parametrize("retry", [{"numRetries": 101}, {"minDelayTarget": 0}, {"backoffFunction": "random"}])
def test_what_is_no_policy_is_refused(retry: dict[str, object]) -> None:
    with pytest.raises(InvalidParameterError):
        check_topic_policy(json.dumps({"http": {"defaultHealthyRetryPolicy": retry}}))


def test_throttling_is_not_built_and_says_so() -> None:
    with pytest.raises(NotBuiltError):
        check_topic_policy('{"http": {"defaultThrottlePolicy": {"maxReceivesPerSecond": 1}}}')
