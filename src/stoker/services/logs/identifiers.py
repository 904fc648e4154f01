"""Names, ARNs and page tokens of CloudWatch Logs. Pure."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from stoker.model.errors import InvalidParameterException
from stoker.observability.chunk_scan import Place
from stoker.observability.event_queries import FOREVER_MS

_GROUP_ARN = re.compile(r"arn:[^:]+:logs:(?P<region>[^:]+):(?P<account>[^:]+):log-group:(?P<name>[^:*]+)(:\*)?")
# A place in a stream as one number, in AWS's 56 digits: the timestamp, then the event's id.
_ID_RANGE = FOREVER_MS
_BAD_TOKEN = "The specified nextToken is invalid."


def group_arn(region: str, account: str, name: str) -> str:
    """Without the trailing `:*` that policies use."""
    return f"arn:aws:logs:{region}:{account}:log-group:{name}"


def group_name(identifier: str, *, region: str, account: str) -> str:
    """The name of the group that a name or an ARN says. An ARN from elsewhere is the caller's mistake."""
    if not identifier.startswith("arn:"):
        return identifier
    found = _GROUP_ARN.fullmatch(identifier)
    if found is None or (found["region"], found["account"]) != (region, account):
        raise InvalidParameterException(f"The specified log group ARN is not of this account and region: {identifier}")
    return found["name"]


def requested_group(params: Mapping[str, Any], *, region: str, account: str) -> str:
    """The group that `logGroupName` or `logGroupIdentifier` names; it has to be one of them."""
    given = [params[member] for member in ("logGroupName", "logGroupIdentifier") if member in params]
    if len(given) != 1:
        raise InvalidParameterException("Exactly one of logGroupName and logGroupIdentifier must be specified.")
    return group_name(given[0], region=region, account=account)


def event_id(place: Place) -> str:
    return f"{_pack(place):056d}"


def stream_token(direction: str, place: Place) -> str:
    """`f/…` continues after the place, `b/…` before it."""
    return f"{direction}/{event_id(place)}/s"


def parse_stream_token(token: str) -> tuple[str, Place]:
    found = re.fullmatch(r"([fb])/(\d{56})/s", token)
    if found is None:
        raise InvalidParameterException(_BAD_TOKEN)
    return found[1], checked_place(*divmod(int(found[2]), _ID_RANGE))


def checked_place(timestamp_ms: int, id_: int) -> Place:
    """A place out of a client's token. Raises InvalidParameterException for what no database could hold."""
    if not (0 <= timestamp_ms <= FOREVER_MS and 0 <= id_ <= FOREVER_MS):
        raise InvalidParameterException(_BAD_TOKEN)
    return timestamp_ms, id_


def just_before(place: Place) -> Place:
    """So that what continues after it begins with the event at `place`."""
    return divmod(max(_pack(place) - 1, 0), _ID_RANGE)


def just_after(place: Place) -> Place:
    """So that what continues before it begins with the event at `place`."""
    return divmod(_pack(place) + 1, _ID_RANGE)


def page_token(*values: str | int) -> str:
    """Where a list goes on, opaque to the client."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def parse_page_token(token: str, *kinds: type) -> tuple[Any, ...]:
    """The values of a `page_token`, of these types. Raises InvalidParameterException."""
    try:
        values = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        json.dumps(values, ensure_ascii=False).encode()  # Half of a surrogate pair is no text for a database.
    except (ValueError, RecursionError) as error:
        raise InvalidParameterException(_BAD_TOKEN) from error
    if not isinstance(values, list) or tuple(type(value) for value in values) != kinds:
        raise InvalidParameterException(_BAD_TOKEN)
    return tuple(values)


def _pack(place: Place) -> int:
    return place[0] * _ID_RANGE + place[1]
