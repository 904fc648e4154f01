import asyncio

from stoker.model.principal import Principal
from stoker.services.sts.service import StsService
from stoker.wire.message import Call


def test_a_caller_learns_who_signed() -> None:
    principal = Principal(
        account="123456789012", arn="arn:aws:iam::123456789012:root", user_id="123456789012", access_key="AKIA"
    )
    call = Call(
        service="sts",
        operation="GetCallerIdentity",
        params={},
        region="us-east-1",
        account="123456789012",
        principal=principal,
        request_id="r",
        source_ip="127.0.0.1",
    )
    answer = asyncio.run(StsService().get_caller_identity(call))
    assert answer == {"UserId": "123456789012", "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:root"}
