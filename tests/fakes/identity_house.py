"""IAM and STS without HTTP and signatures: real rules on a real store."""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import botocore

from fakes.clock import FakeClock
from fakes.identity_providers import FakeProviders
from stoker.identity.entities import Role
from stoker.identity.identities import Identities, open_identities
from stoker.model.principal import Principal
from stoker.services.iam.service import IamService
from stoker.services.sts.service import StsService
from stoker.store.store import open_store
from stoker.wire.credentials import Credentials
from stoker.wire.message import Call

T = TypeVar("T")

ACCOUNT = "000000000000"
ROOT = Principal(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", user_id=ACCOUNT, access_key="AKIAROOT")
BASIC_EXECUTION = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def policy(action: Any = "s3:GetObject", resource: Any = "*", effect: str = "Allow", **further: Any) -> str:
    """A policy of one statement."""
    statement = {"Effect": effect, "Action": action, "Resource": resource, **further}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(principal: Any, action: Any = "sts:AssumeRole", **further: Any) -> str:
    """A trust policy of one statement."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, **further}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


LAMBDA_TRUST = trust({"Service": "lambda.amazonaws.com"})


class IdentityHouse:
    """Calls operations as a client would. `again` is what another Stoker on the same store would know."""

    def __init__(self, root: Path, store_url: str = "") -> None:
        self.clock = FakeClock()
        self.providers = FakeProviders()
        self.keys = Credentials(account=ACCOUNT, access_key="AKIAROOT", secret_key="root", platform_key=b"p" * 32)
        self._runner = asyncio.Runner()
        self.store = open_store(store_url or f"sqlite:///{root / 'stoker.db'}")
        self.identities = self.again()
        self.directory = self.identities.directory
        self.keys.consult(self.identities.signers)
        self._services = {
            "iam": IamService(identities=self.identities, clock=self.clock),
            "sts": StsService(
                identities=self.identities, keys=self.keys, clock=self.clock, find_keys=self.providers.keys_of
            ),
        }

    def again(self) -> Identities:
        key = self.keys.derived_key("secrets at rest")
        return self.run(open_identities(account=ACCOUNT, store=self.store, clock=self.clock, key=key))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        self.run(self.store.close())
        self._runner.close()

    def call(self, operation: str, *, caller: Principal = ROOT, service: str = "iam", **params: Any) -> Any:
        call = Call(
            service=service,
            operation=operation,
            params=params,
            region="us-east-1",
            account=ACCOUNT,
            principal=caller,
            request_id="request",
            source_ip="192.0.2.1",
        )
        return self.run(self._services[service].operations[botocore.xform_name(operation)](call))

    def role(self, name: str = "worker", trust_policy: str = LAMBDA_TRUST, **params: Any) -> Role:
        self.call("CreateRole", RoleName=name, AssumeRolePolicyDocument=trust_policy, **params)
        return self.directory.get(Role, name)

    def user(self, name: str = "ann") -> Principal:
        """A new user with a key, as the caller that it is when it signs."""
        self.call("CreateUser", UserName=name)
        key = self.call("CreateAccessKey", UserName=name)["AccessKey"]
        _, principal = self.keys.lookup(key["AccessKeyId"], None, self.clock.time())
        return principal
