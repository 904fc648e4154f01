"""What a request says of itself beyond action and resource: the values of condition keys.

Source: "AWS global condition context keys" in the IAM User Guide. A policy looks at few of them, so each is found when
it is asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property

from msgspec import Struct, field

from stoker.identity.callers import Caller
from stoker.identity.templates import Context

RESOURCE_TAG, PRINCIPAL_TAG = "aws:resourcetag/", "aws:principaltag/"
# What IAM called the first of them before there was one for all services.
_IAM_TAG = "iam:resourcetag/"


class Circumstances(Struct, frozen=True, kw_only=True, dict=True):
    """One request's. `now` is in seconds since the epoch. `own` are the called service's keys and the tags in the
    request, `resource_tags` those of what the action is done to, `source_arn` what a service acts for.
    """

    caller: Caller
    now: float
    region: str
    account: str
    source_ip: str = ""
    tls: bool = False
    own: Context = field(default_factory=dict)
    resource_tags: Mapping[str, str] = field(default_factory=dict)
    source_arn: str | None = None

    def context(self, asks_for: frozenset[str]) -> Context:
        """Those of the keys, which are in lower case, that it has a value for."""
        found = {key: self._value(key) for key in asks_for}
        return {key: value for key, value in found.items() if value is not None}

    def _value(self, key: str) -> str | Sequence[str] | None:
        read = _GLOBAL.get(key)
        if read is not None:
            return read(self)
        if key.startswith(_IAM_TAG):
            key = f"{RESOURCE_TAG}{key.removeprefix(_IAM_TAG)}"
        tags = self._tags if key.startswith((RESOURCE_TAG, PRINCIPAL_TAG)) else self._own
        return tags.get(key)

    @cached_property
    def _own(self) -> Context:
        return {key.lower(): value for key, value in self.own.items()}

    @cached_property
    def _tags(self) -> Mapping[str, str]:
        """Each tag under the key by which it is asked for."""
        of_resource = {f"{RESOURCE_TAG}{key}".lower(): value for key, value in self.resource_tags.items()}
        return of_resource | {f"{PRINCIPAL_TAG}{key}".lower(): value for key, value in self.caller.tags.items()}


def _moment(of: Circumstances) -> str:
    return datetime.fromtimestamp(of.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _source_account(of: Circumstances) -> str | None:
    """S3's ARNs name no account; there is only one that their buckets can be of."""
    if of.source_arn is None:
        return None
    parts = of.source_arn.split(":")
    return (parts[4] if len(parts) > 4 else "") or of.account


def _source_owner(of: Circumstances) -> str | None:
    """What topics' default policies ask for. Alarms come with it, so that they need no leave; buckets and rules do."""
    return _source_account(of) if of.caller.service == "cloudwatch.amazonaws.com" else None


def _issued(of: Circumstances) -> str | None:
    """What revokes sessions: a policy that denies those that were made before."""
    session = of.caller.session
    return None if session is None else datetime.fromtimestamp(session.issued, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_GLOBAL: Mapping[str, Callable[[Circumstances], str | None]] = {
    "aws:currenttime": _moment,
    "aws:epochtime": lambda of: str(int(of.now)),
    # Nobody can prove a second factor here: long-lived keys do not say so, and temporary ones do.
    "aws:multifactorauthpresent": lambda of: None if of.caller.session is None else "false",
    "aws:principalaccount": lambda of: of.caller.account or None,
    "aws:principalarn": lambda of: of.caller.issuer_arn or None,
    "aws:principalisawsservice": lambda of: str(of.caller.kind == "Service").lower(),
    "aws:principalservicename": lambda of: of.caller.service or None,
    "aws:principaltype": lambda of: of.caller.kind,
    "aws:requestedregion": lambda of: of.region,
    "aws:resourceaccount": lambda of: of.account,
    "aws:securetransport": lambda of: str(of.tls).lower(),
    "aws:sourceaccount": _source_account,
    "aws:sourcearn": lambda of: of.source_arn,
    "aws:sourceidentity": lambda of: None if of.caller.session is None else of.caller.session.source_identity,
    "aws:sourceip": lambda of: of.source_ip or None,
    "aws:sourceowner": _source_owner,
    "aws:tokenissuetime": _issued,
    "aws:userid": lambda of: of.caller.user_id or None,
    "aws:username": lambda of: of.caller.name or None,
    "aws:viaawsservice": lambda of: "false",
}
# What is known without looking at the call or asking its service.
GLOBAL_KEYS = frozenset(_GLOBAL)
# Those that say when it is, or how a session came about.
PASSING = frozenset(
    {"aws:currenttime", "aws:epochtime", "aws:multifactorauthpresent", "aws:sourceidentity", "aws:tokenissuetime"}
)


def is_steady(key: str) -> bool:
    """Whether a condition key (in lower case) has one value for all calls of a principal with the same policies, from
    one address and in one region.
    """
    return key.startswith(PRINCIPAL_TAG) or (key in GLOBAL_KEYS and key not in PASSING)
