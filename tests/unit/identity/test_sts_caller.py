"""Who is calling, and session tokens."""

import pytest

from fakes.identity_house import ACCOUNT, ROOT, IdentityHouse
from stoker.model.errors import AccessDeniedException, NotBuiltError
from stoker.wire.errors import UnrecognizedClientException


def test_a_caller_learns_who_signed(iam: IdentityHouse) -> None:
    answer = iam.call("GetCallerIdentity", service="sts")
    assert answer == {"UserId": ACCOUNT, "Account": ACCOUNT, "Arn": ROOT.arn}
    ann = iam.user("ann")
    answer = iam.call("GetCallerIdentity", service="sts", caller=ann)
    assert answer["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ann" and answer["UserId"].startswith("AIDA")


def test_a_session_token_is_the_user_for_a_while(iam: IdentityHouse) -> None:
    ann = iam.user("ann")
    made = iam.call("GetSessionToken", service="sts", caller=ann)["Credentials"]
    assert (made["Expiration"].timestamp() - iam.clock.time()) == 12 * 3600
    _, session = iam.keys.lookup(made["AccessKeyId"], made["SessionToken"], iam.clock.time())
    assert (session.arn, session.user_id) == (ann.arn, ann.user_id)
    assert iam.directory.policies_of(session).session
    with pytest.raises(AccessDeniedException, match="Cannot call GetSessionToken with session credentials"):
        iam.call("GetSessionToken", service="sts", caller=session)


def test_a_session_token_ends_with_its_user(iam: IdentityHouse) -> None:
    ann = iam.user("ann")
    made = iam.call("GetSessionToken", service="sts", caller=ann)["Credentials"]
    iam.call("DeleteAccessKey", UserName="ann", AccessKeyId=ann.access_key)
    iam.call("DeleteUser", UserName="ann")
    with pytest.raises(UnrecognizedClientException):
        iam.keys.lookup(made["AccessKeyId"], made["SessionToken"], iam.clock.time())
    assert not iam.directory.policies_of(ann).exists


def test_a_root_session_lasts_an_hour(iam: IdentityHouse) -> None:
    made = iam.call("GetSessionToken", service="sts", DurationSeconds=129_600)["Credentials"]
    assert made["Expiration"].timestamp() - iam.clock.time() == 3600


def test_the_account_of_a_key_is_told(iam: IdentityHouse) -> None:
    ann = iam.user("ann")
    assert iam.call("GetAccessKeyInfo", service="sts", AccessKeyId=ann.access_key) == {"Account": ACCOUNT}
    with pytest.raises(NotBuiltError):
        iam.call("GetAccessKeyInfo", service="sts", AccessKeyId="AKIAIOSFODNN7EXAMPLE")
