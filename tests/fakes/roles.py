"""Roles that tests' functions run as: made once on a server. Only `e2e` may do anything: use queues, tables and
streams, and call others."""

import json
import ssl
import urllib.error
import urllib.request
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NAMES = ("e2e", "test", "lambda", "baker")
LAMBDA_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


_ACTIONS = ["sqs:*", "lambda:InvokeFunction", "dynamodb:*", "kinesis:*"]
_MAY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": _ACTIONS, "Resource": "*"}],
    }
)


def make_role(endpoint: str, keys: Credentials, name: str, trust: ssl.SSLContext | None = None) -> None:
    """A role that Lambda may assume, unless there is one of this name."""
    _call(endpoint, keys, trust, Action="CreateRole", RoleName=name, AssumeRolePolicyDocument=LAMBDA_TRUST)
    if name == "e2e":
        _call(endpoint, keys, trust, Action="PutRolePolicy", RoleName=name, PolicyName="own", PolicyDocument=_MAY)


def _call(endpoint: str, keys: Credentials, trust: ssl.SSLContext | None, **form: str) -> None:
    """A client would take 0.2 s for its model."""
    body = urlencode({"Version": "2010-05-08", **form}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest(method="POST", url=f"{endpoint}/", data=body, headers=headers)
    SigV4Auth(keys, "iam", "us-east-1").add_auth(request)
    try:
        sent = urllib.request.Request(request.url, data=body, headers=dict(request.headers))
        urllib.request.urlopen(sent, timeout=60, context=trust).close()
    except urllib.error.HTTPError as error:
        if b"<Code>EntityAlreadyExists</Code>" not in error.read():
            raise
