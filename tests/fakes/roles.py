"""Roles that tests' functions run as: made once on a server, with no policy unless a test gives them one."""

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


def make_role(endpoint: str, keys: Credentials, name: str, trust: ssl.SSLContext | None = None) -> None:
    """A role that Lambda may assume, unless there is one of this name. A client would take 0.2 s for its model."""
    form = {"Action": "CreateRole", "Version": "2010-05-08", "RoleName": name, "AssumeRolePolicyDocument": LAMBDA_TRUST}
    body = urlencode(form).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest(method="POST", url=f"{endpoint}/", data=body, headers=headers)
    SigV4Auth(keys, "iam", "us-east-1").add_auth(request)
    try:
        sent = urllib.request.Request(request.url, data=body, headers=dict(request.headers))
        urllib.request.urlopen(sent, timeout=30, context=trust).close()
    except urllib.error.HTTPError as error:
        if b"<Code>EntityAlreadyExists</Code>" not in error.read():
            raise
