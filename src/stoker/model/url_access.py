"""Whether anybody may call a function URL, by the function's resource policy. Pure.

Source: "Control access to Lambda function URLs" in the AWS Lambda Developer Guide. Since October 2025 both actions are
needed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.model.policy import Statement

URL_ACTION = "lambda:InvokeFunctionUrl"
FUNCTION_ACTION = "lambda:InvokeFunction"


def missing_actions(statements: Sequence[Statement], auth_type: str) -> list[str]:
    """The actions that no statement allows for to whoever comes without a signature."""
    context = {"lambda:functionurlauthtype": auth_type, "lambda:invokedviafunctionurl": "true"}
    return [
        action
        for action in (URL_ACTION, FUNCTION_ACTION)
        if not any(_allows(statement, action, context) for statement in statements)
    ]


def _allows(statement: Statement, action: str, context: Mapping[str, str]) -> bool:
    return (
        statement["Effect"] == "Allow"
        and statement["Action"] in (action, "lambda:*", "*")
        and statement["Principal"] in ("*", {"AWS": "*"})
        and all(_holds(operator, tests, context) for operator, tests in statement.get("Condition", {}).items())
    )


def _holds(operator: str, tests: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """A condition on what a URL's request does not have (a source, an organisation) does not hold."""
    exact = operator in ("StringEquals", "Bool")
    return exact and all(context.get(key.lower()) == value for key, value in tests.items())
