"""Requests find their API, and a model is read when it is first needed."""

import asyncio
import pkgutil

import pytest
from botocore.loaders import Loader
from front_door_house import FakeLambda

import stoker.services
from stoker.front_door.apis import ADDRESSES, Apis
from stoker.model.errors import NotBuiltError
from stoker.wire.message import Request

SERVICES = sorted({module.name.rstrip("_") for module in pkgutil.iter_modules(stoker.services.__path__)} | {*ADDRESSES})


class Named:
    def __init__(self, name: str) -> None:
        self.name = name


def request(path: str = "/", **headers: str) -> Request:
    return Request(
        method="POST", host="x", path=path, query="", headers={k.replace("_", "-"): headers[k] for k in headers}
    )


@pytest.mark.parametrize("name", SERVICES)
def test_what_tells_apis_apart_is_what_their_models_say(name: str) -> None:
    metadata = Loader().load_service_model(name, "service-2")["metadata"]
    address = ADDRESSES.get(name)
    assert metadata.get("signingName", metadata["endpointPrefix"]) == (address.signing_name if address else name)
    if address is not None and address.target_prefix is not None:
        assert metadata["targetPrefix"] == address.target_prefix


@pytest.mark.parametrize(
    ("signing_name", "asked", "found"),
    [
        ("dynamodb", request(x_amz_target="DynamoDB_20120810.GetItem"), "dynamodb"),
        ("dynamodb", request(x_amz_target="DynamoDBStreams_20120810.GetRecords"), "dynamodbstreams"),
        ("apigateway", request("/restapis"), "apigateway"),
        ("apigateway", request("/v2/apis"), "apigatewayv2"),
        ("lambda", request("/2015-03-31/functions"), "lambda"),
    ],
)
def test_a_request_finds_its_api_among_those_that_sign_with_one_name(
    signing_name: str, asked: Request, found: str
) -> None:
    apis = Apis([Named(name) for name in ("apigatewayv2", "apigateway", "dynamodbstreams", "dynamodb", "lambda")])
    assert asyncio.run(apis.find(asked, signing_name)).api.name == found


def test_calls_at_the_same_time_share_one_model() -> None:
    apis = Apis([FakeLambda()])

    async def scenario() -> int:
        found = await asyncio.gather(*(apis.find(request(), "lambda") for _ in range(5)))
        return len({id(endpoint.api) for endpoint in found})

    assert asyncio.run(scenario()) == 1


def test_a_service_that_is_not_there_is_named() -> None:
    with pytest.raises(NotBuiltError, match="The service braket is not there yet"):
        asyncio.run(Apis([FakeLambda()]).find(request(), "braket"))


def test_an_unsigned_request_is_answered_in_the_protocol_that_it_shows() -> None:
    apis = Apis([Named("sts"), Named("logs"), FakeLambda()])
    guesses = {
        "logs": request(x_amz_target="Logs_20140328.DescribeLogGroups"),
        "sts": request(content_type="application/x-www-form-urlencoded; charset=utf-8"),
        "lambda": request(authorization="AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/lambda/aws4_request"),
    }
    for name, asked in guesses.items():
        guessed = asyncio.run(apis.guess(asked))
        assert guessed is not None and guessed.name == name
    assert asyncio.run(apis.guess(request())) is None
