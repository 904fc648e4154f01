"""What role a function may be given."""

import pytest

from fakes.identity_house import ACCOUNT, LAMBDA_TRUST, IdentityHouse, trust
from stoker.identity.execution_roles import ExecutionRoles
from stoker.model.arn import FunctionId
from stoker.model.errors import AccessDeniedException, InvalidParameterValueException

HELLO = FunctionId(account=ACCOUNT, region="us-east-1", name="hello")
ARN = f"arn:aws:iam::{ACCOUNT}:role/worker"
LAMBDA = {"Service": "lambda.amazonaws.com"}


def check(iam: IdentityHouse, arn: str = ARN) -> None:
    ExecutionRoles(iam.directory, iam.clock).check(arn, HELLO)


def test_one_that_lambda_may_assume(iam: IdentityHouse) -> None:
    iam.role(trust_policy=LAMBDA_TRUST)
    check(iam)
    iam.role("both", trust({"Service": ["events.amazonaws.com", "lambda.amazonaws.com"]}))
    check(iam, f"arn:aws:iam::{ACCOUNT}:role/both")


@pytest.mark.parametrize(
    "policy",
    [
        trust({"Service": "events.amazonaws.com"}),
        trust({"AWS": ACCOUNT}),
        trust(LAMBDA, "sts:TagSession"),
        trust(LAMBDA, Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:other"}}),
        trust(LAMBDA, Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}}),
    ],
)
def test_none_that_it_may_not(iam: IdentityHouse, policy: str) -> None:
    iam.role(trust_policy=policy)
    with pytest.raises(InvalidParameterValueException) as refused:
        check(iam)
    assert str(refused.value) == "The role defined for the function cannot be assumed by Lambda."


def test_none_that_is_not_there_or_is_another_account_s(iam: IdentityHouse) -> None:
    with pytest.raises(InvalidParameterValueException, match="cannot be assumed by Lambda"):
        check(iam)
    iam.role("worker", Path="/service/")
    with pytest.raises(InvalidParameterValueException, match="cannot be assumed by Lambda"):
        check(iam)
    with pytest.raises(AccessDeniedException, match="Cross-account pass role is not allowed"):
        check(iam, "arn:aws:iam::999999999999:role/worker")


def test_a_condition_on_the_function_lets_that_function(iam: IdentityHouse) -> None:
    source = {"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:*:{ACCOUNT}:function:hel*"}}
    iam.role(trust_policy=trust(LAMBDA, Condition=source))
    check(iam)


def test_a_role_that_lambda_may_not_assume_any_more_gives_no_credentials(iam: IdentityHouse) -> None:
    roles = ExecutionRoles(iam.directory, iam.clock)
    made = iam.role("worker")
    assert roles.find(made.arn, HELLO) == made
    other = trust({"Service": "ec2.amazonaws.com"})
    iam.call("UpdateAssumeRolePolicy", RoleName="worker", PolicyDocument=other)
    assert roles.find(made.arn, HELLO) is None
    foreign = trust({"Service": "lambda.amazonaws.com"}, Condition={"ArnLike": {"aws:SourceArn": f"{HELLO.arn()}x"}})
    iam.call("UpdateAssumeRolePolicy", RoleName="worker", PolicyDocument=foreign)
    assert roles.find(made.arn, HELLO) is None
    iam.call("DeleteRole", RoleName="worker")
    assert roles.find(made.arn, HELLO) is None
