"""The role of functions that were given none: made when it is first needed, with leave to write logs and no more."""

import json
from typing import Any

from stoker.cli.connection import Connection

NAME = "stoker-function"
_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


def default_role(connection: Connection) -> str:
    """Its ARN. What the operator has changed of it stays as it is."""
    iam = connection.client("iam")
    try:
        return _arn(iam.get_role(RoleName=NAME))
    except iam.exceptions.NoSuchEntityException:
        pass
    try:
        made = iam.create_role(
            RoleName=NAME,
            AssumeRolePolicyDocument=json.dumps(_TRUST),
            Description="Functions that `stoker deploy` was given no role for",
        )
        iam.attach_role_policy(RoleName=NAME, PolicyArn=_POLICY)
    except iam.exceptions.EntityAlreadyExistsException:
        # Another deployment was faster.
        made = iam.get_role(RoleName=NAME)
    return _arn(made)


def _arn(answer: Any) -> str:
    arn: str = answer["Role"]["Arn"]
    return arn
