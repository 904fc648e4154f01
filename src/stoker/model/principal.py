"""Who makes a request."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A verified caller: the account, the ARN IAM would name, and the access key it signed with."""

    account: str
    arn: str
    user_id: str
    access_key: str
