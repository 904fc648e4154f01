"""Resource policies: who may call a function, in the JSON that IAM reads."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.model.errors import InvalidParameterValueException

Statement = Mapping[str, Any]

_ACCOUNT = re.compile(r"\d{12}")
_PRINCIPAL_ARN = re.compile(r"arn:aws[a-zA-Z-]*:(iam|sts)::\d{12}:.+")
_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


@dataclass(frozen=True, kw_only=True)
class PermissionGrant:
    """What AddPermission asks for: a principal, an action and the conditions under which it holds."""

    sid: str
    action: str
    principal: str
    source_arn: str | None = None
    source_account: str | None = None
    principal_org_id: str | None = None
    event_source_token: str | None = None
    function_url_auth_type: str | None = None
    invoked_via_function_url: bool | None = None


def principal_element(principal: str) -> str | Mapping[str, str]:
    """The statement's Principal: `*`, {"Service": …} or {"AWS": …}; an account number means its root."""
    if principal == "*":
        return principal
    if _ACCOUNT.fullmatch(principal):
        return {"AWS": f"arn:aws:iam::{principal}:root"}
    if _PRINCIPAL_ARN.fullmatch(principal):
        return {"AWS": principal}
    if _SERVICE.fullmatch(principal):
        return {"Service": principal}
    raise InvalidParameterValueException(
        "The provided principal was invalid. Please check the principal and try again."
    )


def build_statement(grant: PermissionGrant, resource: str) -> Statement:
    """The statement that AddPermission stores and answers; its keys are in AWS's order."""
    if grant.function_url_auth_type and grant.action != "lambda:InvokeFunctionUrl":
        raise InvalidParameterValueException(
            "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"
        )
    statement: dict[str, Any] = {
        "Sid": grant.sid,
        "Effect": "Allow",
        "Principal": principal_element(grant.principal),
        "Action": grant.action,
        "Resource": resource,
    }
    if condition := _conditions(grant):
        statement["Condition"] = condition
    return statement


def _conditions(grant: PermissionGrant) -> Mapping[str, Mapping[str, str]]:
    equal = {
        "AWS:SourceAccount": grant.source_account,
        "aws:PrincipalOrgID": grant.principal_org_id,
        "lambda:EventSourceToken": grant.event_source_token,
        "lambda:FunctionUrlAuthType": grant.function_url_auth_type,
    }
    conditions: dict[str, dict[str, str]] = {}
    if given := {key: value for key, value in equal.items() if value is not None}:
        conditions["StringEquals"] = given
    if grant.source_arn is not None:
        conditions["ArnLike"] = {"AWS:SourceArn": grant.source_arn}
    if grant.invoked_via_function_url is not None:
        conditions["Bool"] = {"lambda:InvokedViaFunctionUrl": str(grant.invoked_via_function_url).lower()}
    return conditions


def policy_document(statements: Sequence[Statement]) -> str:
    """The whole policy as GetPolicy answers it."""
    return encode({"Version": "2012-10-17", "Id": "default", "Statement": list(statements)})


def encode(value: object) -> str:
    """JSON without spaces: what AWS answers, and what its policy size limit counts."""
    return json.dumps(value, separators=(",", ":"))
