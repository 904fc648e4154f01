"""What IAM finds wrong with a principal's policy, in the order in which it looks: the first thing found is told.

Source: "Grammar of the IAM JSON policy language" in the IAM User Guide; the order is what IAM was seen to answer.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stoker.identity.conditions import is_well_shaped
from stoker.identity.errors import MalformedPolicyDocumentError
from stoker.identity.moments import parse_moment

NEWEST_VERSION, OLDEST_VERSION = "2012-10-17", "2008-10-17"
_DOCUMENT = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"})
_PRINCIPALS = frozenset({"Principal", "NotPrincipal"})
_LISTS = ("Action", "NotAction", "Resource", "NotResource")
_SID = re.compile(r"[A-Za-z0-9]*", re.ASCII)
_VENDOR = re.compile(r"[A-Za-z0-9.-]*", re.ASCII)
_NO_REGION = {
    "iam": "IAM resource {} cannot contain region information.",
    "s3": "Resource {} can not contain region information.",
}
_IAM_PATHS = (
    "user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/",
    "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
)  # fmt: skip
_UNPARSED = "The policy failed legacy parsing"


def check_identity_policy(document: Any) -> None:
    """Raises MalformedPolicyDocumentError with IAM's reason; `document` is decoded JSON."""
    _check_shape(document)
    statements = _statements(document)
    if document.get("Version") != NEWEST_VERSION:
        raise MalformedPolicyDocumentError("Policy document must be version 2012-10-17 or greater.")
    if not all(map(_is_parsed, statements)):
        raise MalformedPolicyDocumentError(_UNPARSED)
    wrong = [reason for statement in statements if (reason := _wrong_resource(statement)) is not None]
    _check_sids(statements)
    if not all(_texts(statement, "Action", "NotAction") for statement in statements):
        raise MalformedPolicyDocumentError("Policy statement must contain actions.")
    if wrong:
        raise MalformedPolicyDocumentError(wrong[0])
    for statement in statements:
        for action in _texts(statement, "Action", "NotAction"):
            _check_action(action)
    if not all(_texts(statement, "Resource", "NotResource") for statement in statements):
        raise MalformedPolicyDocumentError("Policy statement must contain resources.")


def _check_shape(document: Any) -> None:
    """Elements and their types."""
    well = isinstance(document, dict) and set(document) <= _DOCUMENT and isinstance(document.get("Id", ""), str)
    if not well or document.get("Version", OLDEST_VERSION) not in (NEWEST_VERSION, OLDEST_VERSION):
        raise MalformedPolicyDocumentError()
    statements = _statements(document)
    if not statements or not all(isinstance(statement, dict) for statement in statements):
        raise MalformedPolicyDocumentError()
    if any(_PRINCIPALS & set(statement) for statement in statements):
        raise MalformedPolicyDocumentError("Policy document should not specify a principal.")
    if not all(map(_is_well_shaped, statements)):
        raise MalformedPolicyDocumentError()


def _is_well_shaped(statement: Mapping[str, Any]) -> bool:
    lists = (statement[name] for name in _LISTS if name in statement)
    return (
        set(statement) <= _STATEMENT
        and not {"Action", "NotAction"} <= set(statement)
        and not {"Resource", "NotResource"} <= set(statement)
        and isinstance(statement.get("Sid", ""), str)
        and str(statement.get("Effect")).lower() in ("allow", "deny")
        and all(isinstance(text, str) for given in lists for text in (given if isinstance(given, list) else [given]))
        and is_well_shaped(statement.get("Condition", {}))
    )


def _statements(document: Mapping[str, Any]) -> list[Any]:
    given = document.get("Statement")
    return given if isinstance(given, list) else [given]


def _texts(statement: Mapping[str, Any], *names: str) -> list[str]:
    found: str | list[str] = next((statement[name] for name in names if name in statement), [])
    return found if isinstance(found, list) else [found]


def _is_parsed(statement: Mapping[str, Any]) -> bool:
    return statement["Effect"] in ("Allow", "Deny") and all(parse_moment(it) is not None for it in _dates(statement))


def _dates(statement: Mapping[str, Any]) -> Iterator[str]:
    for operator, keys in statement.get("Condition", {}).items():
        if operator.rpartition(":")[2].startswith("Date"):
            for given in keys.values():
                yield from map(str, given if isinstance(given, list) else [given])


def _check_sids(statements: list[Any]) -> None:
    sids = [sid for statement in statements if (sid := statement.get("Sid"))]
    if len(sids) != len(set(sids)):
        raise MalformedPolicyDocumentError("Statement IDs (SID) in a single policy must be unique.")
    if not all(map(_SID.fullmatch, sids)):
        raise MalformedPolicyDocumentError(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
            "[0-9A-Za-z]*"
        )


def _check_action(action: str) -> None:
    if action == "*":
        return
    vendor, *rest = action.split(":")
    if not rest:
        raise MalformedPolicyDocumentError("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    if len(rest) > 1:
        raise MalformedPolicyDocumentError("Actions/Condition can contain only one colon.")
    if vendor != "*" and not (vendor and _VENDOR.fullmatch(vendor)):
        raise MalformedPolicyDocumentError(f"Vendor {vendor} is not valid")


def _wrong_resource(statement: Mapping[str, Any]) -> str | None:
    """What is wrong with the first resource that is; raises for an ARN that has too few fields."""
    resources = [text for text in _texts(statement, "Resource", "NotResource") if text != "*"]
    for text in sorted(resources):
        if (reason := _resource_reason(text)) is not None:
            return reason
    for text in resources:
        if (text.count(":") < 5 and "::" in text) or not text.split(":")[2]:
            raise MalformedPolicyDocumentError(_UNPARSED)
    return None


def _resource_reason(text: str) -> str | None:
    fields = text.split(":", 5)
    if len(fields) < 2:
        return f'Resource {text} must be in ARN format or "*".'
    # A pattern of all partitions is one: Chalice writes `arn:*:logs:*:*:*` into every role.
    if fields[1] not in ("aws", "*"):
        shown = ":".join([*fields[2:], *["*"] * (6 - len(fields))])
        return f'Partition "{fields[1]}" is not valid for resource "arn:{fields[1]}:{shown}".'
    if len(fields) < 3 or any(wildcard in fields[2] for wildcard in "*?"):
        return "Resource vendor must be fully qualified and cannot contain regexes."
    service, region, path = fields[2], fields[3:4], fields[5:6]
    if service in _NO_REGION and region and region != [""]:
        return _NO_REGION[service].format(text)
    if service == "iam" and path and path != ["*"] and not path[0].startswith(_IAM_PATHS):
        return f'IAM resource path must either be "*" or start with {", ".join(_IAM_PATHS)}.'
    return None
