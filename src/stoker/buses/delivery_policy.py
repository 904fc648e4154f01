"""How HTTP endpoints are retried: SNS's delivery policies. Pure.

Source: "Amazon SNS message delivery retries" and "Creating an HTTP/HTTPS delivery policy" in the SNS Developer Guide.
"""

import json
from collections.abc import Mapping
from typing import Any

from stoker.buses.topic_errors import InvalidParameterError
from stoker.deliveries.delivery import Retry
from stoker.model.errors import NotBuiltError

DEFAULT_RETRY: Mapping[str, Any] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
CONTENT_TYPE = "text/plain; charset=UTF-8"
BACKOFFS = frozenset({"linear", "arithmetic", "geometric", "exponential"})
MAX_RETRIES = 100
MAX_DELAY_S = 3600
# "The total policy retry time for an HTTP delivery cannot exceed 3,600 seconds."
HTTP_MAX_AGE_S = 3600.0
DAY_S = 86_400.0

# For functions and queues: at once, then after a second, then ever more slowly, then every 20 s for 23 days.
MANAGED_RETRY = Retry(
    max_retries=100_015,
    max_age_s=23 * DAY_S,
    delays_s=(0.0, 0.0, 0.0, 1.0, 1.0, *(20.0 ** (step / 9) for step in range(10)), 20.0),
)


def check_topic_policy(text: str) -> None:
    """Raises InvalidParameterError for what is no DeliveryPolicy of a topic."""
    http = _object(text).get("http", {})
    if http.get("defaultThrottlePolicy"):
        raise NotBuiltError("Throttle policies of topics (defaultThrottlePolicy) are not there yet in Stoker.")
    _retry(http.get("defaultHealthyRetryPolicy") or {})


def check_subscription_policy(text: str) -> None:
    """Raises InvalidParameterError for what is no DeliveryPolicy of a subscription."""
    document = _object(text)
    if document.get("throttlePolicy"):
        raise NotBuiltError("Throttle policies of subscriptions (throttlePolicy) are not there yet in Stoker.")
    _retry(document.get("healthyRetryPolicy") or {})


def effective(topic: str | None, subscription: str | None) -> Mapping[str, Any]:
    """What holds for a subscription, in the words of EffectiveDeliveryPolicy."""
    http = _object(topic or "{}").get("http", {})
    own = {} if http.get("disableSubscriptionOverrides") else _object(subscription or "{}")
    retry = own.get("healthyRetryPolicy") or http.get("defaultHealthyRetryPolicy") or {}
    request = own.get("requestPolicy") or http.get("defaultRequestPolicy") or {}
    return {
        "healthyRetryPolicy": {**DEFAULT_RETRY, **retry},
        "sicklyRetryPolicy": None,
        "throttlePolicy": None,
        "requestPolicy": {"headerContentType": request.get("headerContentType", CONTENT_TYPE)},
        "guaranteed": False,
    }


def effective_topic(topic: str | None) -> Mapping[str, Any]:
    """What holds for a topic's subscriptions that say nothing themselves."""
    http = _object(topic or "{}").get("http", {})
    request = http.get("defaultRequestPolicy") or {"headerContentType": CONTENT_TYPE}
    return {
        "http": {
            "defaultHealthyRetryPolicy": {**DEFAULT_RETRY, **(http.get("defaultHealthyRetryPolicy") or {})},
            "disableSubscriptionOverrides": http.get("disableSubscriptionOverrides", False),
            "defaultRequestPolicy": request,
        }
    }


def http_retry(topic: str | None, subscription: str | None) -> Retry:
    """How deliveries to an HTTP endpoint are retried."""
    return _retry(effective(topic, subscription)["healthyRetryPolicy"])


def _retry(given: Mapping[str, Any]) -> Retry:
    policy = {**DEFAULT_RETRY, **given}
    low, high, count = policy["minDelayTarget"], policy["maxDelayTarget"], policy["numRetries"]
    phases = [policy["numNoDelayRetries"], policy["numMinDelayRetries"], policy["numMaxDelayRetries"]]
    numbers = [low, high, count, *phases]
    if not all(isinstance(each, int) and each >= 0 for each in numbers) or policy["backoffFunction"] not in BACKOFFS:
        raise InvalidParameterError("Invalid parameter: DeliveryPolicy: the retry policy is not valid")
    if not 1 <= low <= high <= MAX_DELAY_S or count > MAX_RETRIES or sum(phases) > count:
        raise InvalidParameterError("Invalid parameter: DeliveryPolicy: the retry policy is out of bounds")
    steps = count - sum(phases)
    backoff = [_between(low, high, step, steps, policy["backoffFunction"]) for step in range(steps)]
    delays = [0.0] * phases[0] + [float(low)] * phases[1] + backoff + [float(high)] * phases[2]
    return Retry(max_retries=count, max_age_s=HTTP_MAX_AGE_S, delays_s=tuple(delays) or (0.0,))


def _between(low: int, high: int, step: int, steps: int, function: str) -> float:
    """The wait at a step of the back-off phase, which leads from `low` to `high`."""
    part = 1.0 if steps < 2 else step / (steps - 1)
    if function == "arithmetic":
        part *= part
    if function in ("geometric", "exponential"):
        return float(low * (high / low) ** part)
    return low + (high - low) * part


def _object(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text or "{}")
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("http", {}), dict):
        raise InvalidParameterError("Invalid parameter: DeliveryPolicy: failed to parse JSON")
    return document
