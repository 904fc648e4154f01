"""What IAM keeps: at once in force, durable, and nothing of it in the clear."""

import asyncio
from dataclasses import replace

import pytest
import sqlalchemy as sa

from fakes.identity_house import BASIC_EXECUTION, LAMBDA_TRUST, IdentityHouse, policy
from stoker.identity import identities
from stoker.identity.entities import Role, User
from stoker.identity.sealing import Seal, SealBrokenError
from stoker.store.tables_identity import iam_access_keys
from stoker.wire.errors import UnrecognizedClientException


def test_what_was_made_is_there_for_the_next_start(iam: IdentityHouse) -> None:
    iam.call("CreateGroup", GroupName="team")
    ann = iam.user("ann")
    iam.call("AddUserToGroup", GroupName="team", UserName="ann")
    iam.call("PutGroupPolicy", GroupName="team", PolicyName="read", PolicyDocument=policy())
    role = iam.role(Tags=[{"Key": "Team", "Value": "x"}], MaxSessionDuration=7200, Path="/service/")
    made = iam.call("CreatePolicy", PolicyName="own", PolicyDocument=policy())["Policy"]["Arn"]
    iam.call("CreatePolicyVersion", PolicyArn=made, PolicyDocument=policy("s3:*"), SetAsDefault=True)
    iam.call("AttachRolePolicy", RoleName="worker", PolicyArn=made)
    again = iam.again()
    assert again.directory.get(Role, "worker") == replace(role, attached=(made,))
    assert again.directory.get(User, "ann") == iam.directory.get(User, "ann")
    assert again.directory.policy(made) == iam.directory.policy(made)
    found = again.signers.find(ann.access_key)
    assert found is not None and found == iam.identities.signers.find(ann.access_key)
    assert len(again.directory.policies_of(ann).identity) == 1


def test_policies_stay_the_same_value_until_something_changes(iam: IdentityHouse) -> None:
    ann = iam.user("ann")
    before = iam.directory.policies_of(ann)
    assert before is iam.directory.policies_of(ann) and not before.identity
    iam.call("AttachUserPolicy", UserName="ann", PolicyArn=BASIC_EXECUTION)
    after = iam.directory.policies_of(ann)
    assert len(after.identity) == 1 and after is iam.directory.policies_of(ann)


def test_a_change_that_is_refused_changes_nothing(iam: IdentityHouse) -> None:
    iam.role()
    known = iam.directory.known
    with pytest.raises(Exception, match="already exists"):
        iam.role("WORKER")
    assert iam.directory.known == known


def test_a_key_that_is_inactive_or_deleted_is_refused_at_once(iam: IdentityHouse) -> None:
    key = iam.user("ann").access_key
    assert iam.keys.lookup(key, None, 0)[1].arn.endswith(":user/ann")
    iam.call("UpdateAccessKey", UserName="ann", AccessKeyId=key, Status="Inactive")
    with pytest.raises(UnrecognizedClientException):
        iam.keys.lookup(key, None, 0)
    iam.call("UpdateAccessKey", UserName="ann", AccessKeyId=key, Status="Active")
    assert iam.keys.lookup(key, None, 0)
    iam.call("DeleteAccessKey", UserName="ann", AccessKeyId=key)
    with pytest.raises(UnrecognizedClientException):
        iam.keys.lookup(key, None, 0)


def test_a_renamed_user_signs_under_the_new_name(iam: IdentityHouse) -> None:
    key = iam.user("ann").access_key
    iam.call("UpdateUser", UserName="ann", NewUserName="eve", NewPath="/ops/")
    assert iam.keys.lookup(key, None, 0)[1].arn.endswith(":user/ops/eve")


def test_no_secret_is_in_the_store_or_in_a_repr(iam: IdentityHouse) -> None:
    iam.call("CreateUser", UserName="ann")
    made = iam.call("CreateAccessKey", UserName="ann")["AccessKey"]
    secret = made["SecretAccessKey"]
    row = iam.run(iam.store.read(lambda conn: conn.execute(sa.select(iam_access_keys)).one()))
    assert secret.encode() not in row.sealed and secret not in repr(row)
    for live in (iam.identities, iam.identities.seal, iam.identities.signers, iam.directory, iam.keys):
        assert secret not in repr(live)
    assert secret not in repr(iam.directory.key(made["AccessKeyId"]))


def test_a_sealed_secret_opens_neither_beside_another_key_nor_with_another_platform_key() -> None:
    sealed = Seal(b"k" * 32).close("secret", "AKIA1")
    assert Seal(b"k" * 32).open(sealed, "AKIA1") == "secret"
    for seal, about in ((Seal(b"k" * 32), "AKIA2"), (Seal(b"q" * 32), "AKIA1")):
        with pytest.raises(SealBrokenError):
            seal.open(sealed, about)


def test_another_stoker_on_the_same_store_hears_of_changes(iam: IdentityHouse) -> None:
    other = iam.again()
    ann = iam.user("ann")
    assert other.signers.find(ann.access_key) is None
    iam.run(other.follow())
    assert other.signers.find(ann.access_key) is not None
    iam.call("DeleteAccessKey", UserName="ann", AccessKeyId=ann.access_key)
    iam.run(other.follow())
    assert other.signers.find(ann.access_key) is None


def test_a_change_of_ones_own_does_not_hide_another_s(iam: IdentityHouse) -> None:
    other = iam.again()
    iam.role("first")
    iam.run(other.change(lambda draft: draft.remove(draft.get(Role, "first"))))
    iam.role("second")
    iam.run(iam.identities.follow())
    assert iam.directory.find(Role, "first") is None and iam.directory.find(Role, "second") is not None


def test_what_was_read_before_a_change_does_not_undo_it(iam: IdentityHouse) -> None:
    entities, revision = iam.run(iam.store.read(iam.identities._read))
    iam.role()
    assert not iam.directory.fill(entities, revision)
    assert iam.directory.find(Role, "worker") is not None


def test_uses_of_keys_are_written_down(iam: IdentityHouse) -> None:
    ann = iam.user("ann")
    iam.keys.note_use(ann, 1_700_000_000.0, "s3", "eu-west-1")
    iam.run(iam.identities.write_uses())
    key = iam.again().directory.key(ann.access_key)
    assert key is not None
    assert (key.used, key.used_service, key.used_region) == (1_700_000_000.0, "s3", "eu-west-1")


def test_aws_s_policies_are_whole(iam: IdentityHouse) -> None:
    assert len(iam.directory.aws) > 30
    for arn, each in iam.directory.aws.items():
        assert each.arn == arn and '"Statement"' in each.document
    iam.call("CreateRole", RoleName="r", AssumeRolePolicyDocument=LAMBDA_TRUST)
    for arn in sorted(iam.directory.aws):
        iam.call("AttachRolePolicy", RoleName="r", PolicyArn=arn)
        iam.call("DetachRolePolicy", RoleName="r", PolicyArn=arn)


def test_whatever_fails_others_changes_are_followed_on(iam: IdentityHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identities, "FOLLOW_S", 0.0)
    looks = list[int]()

    async def follow() -> None:
        looks.append(1)
        raise RuntimeError("a mistake of ours")

    async def scene() -> None:
        monkeypatch.setattr(iam.identities, "follow", follow)
        running = asyncio.create_task(iam.identities.run(shared=True))
        while len(looks) < 3 and not running.done():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert not running.done()
        running.cancel()

    iam.run(scene())
