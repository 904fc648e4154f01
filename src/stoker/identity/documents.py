"""Policy documents: JSON text to compiled statements, or MalformedPolicyDocument with the reason.

Source: "Grammar of the IAM JSON policy language" in the IAM User Guide.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from stoker.identity.arn_patterns import ArnPattern
from stoker.identity.callers import Principals
from stoker.identity.conditions import (
    AnyCondition,
    ConditionSyntaxError,
    ConditionValueError,
    parse_conditions,
)
from stoker.identity.errors import MalformedPolicyDocumentError
from stoker.identity.patterns import Matcher
from stoker.identity.policy_grammar import NEWEST_VERSION, OLDEST_VERSION, check_identity_policy
from stoker.identity.statements import Effect, Statement
from stoker.identity.templates import parse_template

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_PRINCIPAL_ARN = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::\d{12}:[^*]+", re.ASCII)
_ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_TRUST_ACTIONS = "sts:"


class DocumentKind(Enum):
    """What a document is attached to. A principal's own name no Principal, a role's trust policy no Resource."""

    IDENTITY = "identity"
    TRUST = "trust"
    RESOURCE = "resource"


# Compared by identity: decisions are remembered by it.
@dataclass(frozen=True, kw_only=True, eq=False)
class Document:
    """A policy, parsed and checked. `asks_for` are the condition keys that it looks at."""

    kind: DocumentKind
    version: str
    statements: Sequence[Statement]
    asks_for: frozenset[str] = frozenset()


def parse_document(text: str, kind: DocumentKind) -> Document:
    """The document of a policy's JSON; raises MalformedPolicyDocumentError with AWS's reason.

    Up to some milliseconds for a policy of the largest size: in a thread where that matters.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        reason = None if kind is DocumentKind.IDENTITY else "This policy contains invalid Json"
        raise MalformedPolicyDocumentError(reason) from None
    if kind is DocumentKind.IDENTITY:
        check_identity_policy(document)
    if not isinstance(document, dict) or set(document) - {"Version", "Id", "Statement"}:
        raise MalformedPolicyDocumentError()
    version = document.get("Version", OLDEST_VERSION)
    if version not in (NEWEST_VERSION, OLDEST_VERSION):
        raise MalformedPolicyDocumentError("The policy must contain a valid version string")
    given = document.get("Statement")
    given = given if isinstance(given, list) else [given]
    if not given or not all(isinstance(statement, dict) for statement in given):
        raise MalformedPolicyDocumentError()
    statements = [_statement(statement, kind, version == NEWEST_VERSION) for statement in given]
    sids = [statement.sid for statement in statements if statement.sid]
    if len(sids) != len(set(sids)):
        raise MalformedPolicyDocumentError("Statement IDs (SID) in a single policy must be unique.")
    asks_for = frozenset[str]().union(*(statement.asks_for for statement in statements))
    return Document(kind=kind, version=version, statements=statements, asks_for=asks_for)


def _statement(given: Mapping[str, Any], kind: DocumentKind, variables: bool) -> Statement:
    for element in ("Principal", "Action", "Resource"):
        if element in given and f"Not{element}" in given:
            raise MalformedPolicyDocumentError()
    sid = given.get("Sid", "")
    if set(given) - _ELEMENTS or not isinstance(sid, str) or given.get("Effect") not in ("Allow", "Deny"):
        raise MalformedPolicyDocumentError()
    resources = _resources(given, kind, variables)
    conditions = _conditions(given.get("Condition", {}), variables)
    keys = [condition.asks_for for condition in conditions]
    keys += [pattern.whole.keys for pattern in resources or ()]
    return Statement(
        sid=sid,
        effect=Effect(given["Effect"]),
        actions=_actions(given, kind),
        not_actions="NotAction" in given,
        resources=resources,
        not_resources="NotResource" in given,
        principals=_principals(given, kind),
        not_principals="NotPrincipal" in given,
        conditions=conditions,
        asks_for=frozenset[str]().union(*keys),
    )


def _actions(given: Mapping[str, Any], kind: DocumentKind) -> list[Matcher]:
    actions = _texts(given.get("Action", given.get("NotAction")))
    if not actions:
        raise MalformedPolicyDocumentError("Policy statement must contain actions.")
    for action in actions:
        vendor, colon, _ = action.partition(":")
        if action != "*" and (not colon or not vendor):
            raise MalformedPolicyDocumentError(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
            )
        if kind is DocumentKind.TRUST and not action.lower().startswith(_TRUST_ACTIONS):
            raise MalformedPolicyDocumentError("AssumeRole policy may only specify STS AssumeRole actions.")
    texts = (parse_template(action.lower(), wildcards=True, variables=False) for action in actions)
    # Without variables there is a matcher for every request.
    return [matcher for text in texts if (matcher := text.matcher({})) is not None]


def _resources(given: Mapping[str, Any], kind: DocumentKind, variables: bool) -> list[ArnPattern] | None:
    if kind is DocumentKind.TRUST:
        if "Resource" in given or "NotResource" in given:
            raise MalformedPolicyDocumentError("Has prohibited field Resource")
        return None
    texts = _texts(given.get("Resource", given.get("NotResource")))
    if not texts:
        raise MalformedPolicyDocumentError("Policy statement must contain resources.")
    for text in texts:
        if text != "*" and not text.startswith("arn:"):
            raise MalformedPolicyDocumentError(f'Resource {text} must be in ARN format or "*".')
    return [ArnPattern.of(parse_template(text, wildcards=True, variables=variables)) for text in texts]


def _principals(given: Mapping[str, Any], kind: DocumentKind) -> Principals | None:
    element = given.get("Principal", given.get("NotPrincipal"))
    if kind is DocumentKind.IDENTITY:
        return None
    if element is None:
        raise MalformedPolicyDocumentError("Missing required field Principal")
    if element == "*":
        return Principals(anybody=True)
    if not isinstance(element, Mapping) or set(element) - {"AWS", "Service", "Federated", "CanonicalUser"}:
        raise MalformedPolicyDocumentError("Invalid principal in policy")
    aws = _texts(element.get("AWS", []))
    for name in aws:
        if name != "*" and not _ACCOUNT.fullmatch(name) and not _PRINCIPAL_ARN.fullmatch(name):
            raise MalformedPolicyDocumentError(f'Invalid principal in policy: "AWS":"{name}"')
    return Principals(
        aws=frozenset(aws) - {"*"},
        services=frozenset(_texts(element.get("Service", []))),
        federated=frozenset(_texts(element.get("Federated", []))),
        anybody="*" in aws,
    )


def _conditions(element: Any, variables: bool) -> tuple[AnyCondition, ...]:
    if not isinstance(element, Mapping):
        raise MalformedPolicyDocumentError()
    try:
        return parse_conditions(element, variables=variables)
    except ConditionSyntaxError as error:
        raise MalformedPolicyDocumentError(f"Invalid Condition type : {error}") from None
    except ConditionValueError:
        raise MalformedPolicyDocumentError("The policy failed legacy parsing") from None


def _texts(given: Any) -> list[str]:
    texts = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(text, str) for text in texts):
        raise MalformedPolicyDocumentError()
    return texts
