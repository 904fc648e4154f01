"""Who may call a function URL, by the function's resource policy. Pure.

Source: "Control access to Lambda function URLs" in the AWS Lambda Developer Guide. Since October 2025 both actions are
needed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.model.policy import Statement
from stoker.model.principal import Principal

URL_ACTION = "lambda:InvokeFunctionUrl"
FUNCTION_ACTION = "lambda:InvokeFunction"


def missing_actions(statements: Sequence[Statement], auth_type: str, caller: Principal | None) -> list[str]:
    """The actions that no statement allows for; `caller` is None for whoever comes without a signature."""
    context = {"lambda:functionurlauthtype": auth_type, "lambda:invokedviafunctionurl": "true"}
    return [
        action
        for action in (URL_ACTION, FUNCTION_ACTION)
        if not any(_allows(statement, action, caller, context) for statement in statements)
    ]


def _allows(statement: Statement, action: str, caller: Principal | None, context: Mapping[str, str]) -> bool:
    return (
        statement["Effect"] == "Allow"
        and statement["Action"] in (action, "lambda:*", "*")
        and _means(statement["Principal"], caller)
        and all(_holds(operator, tests, context) for operator, tests in statement.get("Condition", {}).items())
    )


def _means(principal: str | Mapping[str, str], caller: Principal | None) -> bool:
    """A session answers to its own ARN and to its role's; an account's root in a policy only lets its IAM decide."""
    if isinstance(principal, str):
        return principal == "*"
    named = principal.get("AWS", "")
    if caller is None or not named:
        return False
    resource = caller.arn.split(":", 5)[5].split("/")
    is_role = resource[0] == "assumed-role" and named.startswith(f"arn:aws:iam::{caller.account}:role/")
    # A role's path is not in its sessions' ARNs, and an account has no two roles of one name.
    return named == caller.arn or (is_role and named.rpartition("/")[2] == resource[1])


def _holds(operator: str, tests: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """A condition on what a URL's request does not have (a source, an organisation) does not hold."""
    exact = operator in ("StringEquals", "Bool")
    return exact and all(context.get(key.lower()) == value for key, value in tests.items())
