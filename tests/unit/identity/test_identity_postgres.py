"""Several Stokers on one PostgreSQL decide alike, a moment after a change."""

from pathlib import Path

import pytest

from fakes.identity_house import ACCOUNT, IdentityHouse, policy, trust
from fakes.postgres import fresh_database
from stoker.identity.entities import Role
from stoker.wire.errors import UnrecognizedClientException


def test_a_key_and_a_role_that_one_takes_away_are_refused_by_the_other(postgres_server: str, tmp_path: Path) -> None:
    with fresh_database(postgres_server, "identities") as url:
        here, there = IdentityHouse(tmp_path, url), IdentityHouse(tmp_path, url)
        ann = here.user("ann")
        here.role("worker", trust({"AWS": ACCOUNT}), Tags=[{"Key": "a", "Value": "1"}])
        here.call("PutRolePolicy", RoleName="worker", PolicyName="p", PolicyDocument=policy())
        made = here.call(
            "AssumeRole", service="sts", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/worker", RoleSessionName="work"
        )["Credentials"]
        there.run(there.identities.follow())
        assert there.directory.get(Role, "worker") == here.directory.get(Role, "worker")
        _, session = there.keys.lookup(made["AccessKeyId"], made["SessionToken"], there.clock.time())
        assert len(there.directory.policies_of(session).identity) == 1
        here.call("DeleteRolePolicy", RoleName="worker", PolicyName="p")
        here.call("DeleteRole", RoleName="worker")
        here.call("UpdateAccessKey", UserName="ann", AccessKeyId=ann.access_key, Status="Inactive")
        there.run(there.identities.follow())
        for key, token in ((made["AccessKeyId"], made["SessionToken"]), (ann.access_key, None)):
            with pytest.raises(UnrecognizedClientException):
                there.keys.lookup(key, token, there.clock.time())
        here.close()
        there.close()
