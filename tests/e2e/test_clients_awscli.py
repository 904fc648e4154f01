"""The life of a function, typed as its users type it: the AWS command line, as it is on PyPI."""

import base64
import json
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.deployment import ROLE, Deployment
from fakes.live_server import LiveServer
from fakes.zips import zip_of

pytestmark = pytest.mark.root

AWS = Path(sys.executable).with_name("aws")
FIRST = zip_of({"app.py": "def handler(event, context):\n    print('seen', event)\n    return {'first': event}\n"})
SECOND = zip_of({"app.py": "def handler(event, context):\n    return {'second': event}\n"})

Aws = Callable[..., Any]


@pytest.fixture(scope="module")
def environment(live_server: LiveServer) -> dict[str, str]:
    """No file of the developer's own is read."""
    nowhere = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    return {**live_server.env, **nowhere, "AWS_PAGER": ""}


@pytest.fixture(scope="module")
def aws(environment: dict[str, str]) -> Aws:
    def run(command: str, *arguments: str) -> Any:
        words = [AWS, *command.split(), *arguments]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        try:
            return json.loads(done.stdout or "null")
        except json.JSONDecodeError:
            return done.stdout

    return run


@pytest.fixture(scope="module")
def name(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A function made by `aws lambda create-function`, for tests that leave it as it is."""
    name = f"cli-{uuid.uuid4().hex[:8]}"
    package = tmp_path_factory.mktemp("aws") / "first.zip"
    package.write_bytes(FIRST)
    given = f"--runtime python3.11 --handler app.handler --role {ROLE} --zip-file fileb://{package}"
    assert aws(f"lambda create-function --function-name {name} {given}")["State"] == "Pending"
    aws(f"lambda wait function-active-v2 --function-name {name}")
    yield name
    aws(f"lambda delete-function --function-name {name}")
    assert name not in [each["FunctionName"] for each in aws("lambda list-functions")["Functions"]]


def test_a_function_is_invoked_and_shows_its_log(aws: Aws, name: str, tmp_path: Path) -> None:
    answer = aws(f"lambda invoke --function-name {name} --log-type Tail {tmp_path}/out.json", "--payload", '{"n": 1}')
    assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST"
    assert json.loads((tmp_path / "out.json").read_text()) == {"first": {"n": 1}}
    log = base64.b64decode(answer["LogResult"]).decode()
    assert "seen {'n': 1}" in log and "REPORT RequestId" in log


def test_code_is_updated_published_and_aliased(aws: Aws, functions: Deployment, tmp_path: Path) -> None:
    name = functions.deploy(FIRST)
    (tmp_path / "second.zip").write_bytes(SECOND)
    assert aws(f"lambda publish-version --function-name {name}")["Version"] == "1"
    aws(f"lambda update-function-code --function-name {name} --zip-file fileb://{tmp_path}/second.zip")
    aws(f"lambda wait function-updated-v2 --function-name {name}")
    made = aws(f"lambda create-alias --function-name {name} --name live --function-version 1")
    assert made["AliasArn"].endswith(f":{name}:live")
    for qualifier, word in (("live", "first"), ("$LATEST", "second")):
        answer = aws(
            f"lambda invoke --function-name {name} {tmp_path}/out.json", "--payload", "1", "--qualifier", qualifier
        )
        assert answer["ExecutedVersion"] == {"live": "1", "$LATEST": "$LATEST"}[qualifier]
        assert json.loads((tmp_path / "out.json").read_text()) == {word: 1}


def test_a_function_is_listed_and_its_code_downloaded(aws: Aws, name: str) -> None:
    assert name in [each["FunctionName"] for each in aws("lambda list-functions")["Functions"]]
    code = aws(f"lambda get-function --function-name {name}")["Code"]
    with urllib.request.urlopen(code["Location"], timeout=60) as answer:
        assert answer.read() == FIRST


def test_logs_are_listed_read_and_filtered(aws: Aws, functions: Deployment, tmp_path: Path) -> None:
    name = functions.deploy(FIRST)
    aws(f"lambda invoke --function-name {name} {tmp_path}/out.json", "--payload", '"needle"')
    group = f"/aws/lambda/{name}"
    found = aws(f"logs describe-log-groups --log-group-name-prefix {group}")["logGroups"]
    assert [each["logGroupName"] for each in found] == [group]
    (stream,) = aws(f"logs describe-log-streams --log-group-name {group}")["logStreams"]
    read = f"logs get-log-events --log-group-name {group} --log-stream-name {stream['logStreamName']}"
    messages = [event["message"] for event in aws(read)["events"]]
    assert "seen needle\n" in messages and messages[-1].startswith("REPORT RequestId")
    events = aws(f"logs filter-log-events --log-group-name {group} --filter-pattern needle")["events"]
    assert [event["message"] for event in events] == ["seen needle\n"]


def test_the_caller_learns_who_it_is(aws: Aws) -> None:
    assert aws("sts get-caller-identity") == {
        "UserId": "000000000000", "Account": "000000000000", "Arn": "arn:aws:iam::000000000000:root",
    }  # fmt: skip


def test_a_wrong_secret_gets_the_words_that_users_search_for(environment: dict[str, str]) -> None:
    wrong = {**environment, "AWS_SECRET_ACCESS_KEY": "wrong"}
    done = subprocess.run([AWS, "lambda", "list-functions"], env=wrong, capture_output=True, text=True, timeout=300)
    assert done.returncode != 0
    assert (
        "An error occurred (InvalidSignatureException) when calling the ListFunctions operation: The request signature "
        "we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method."
    ) in done.stderr


def test_an_unknown_key_gets_the_words_that_users_search_for(environment: dict[str, str]) -> None:
    wrong = {**environment, "AWS_ACCESS_KEY_ID": "AKIANOBODYKNOWSTHIS1"}
    done = subprocess.run([AWS, "lambda", "list-functions"], env=wrong, capture_output=True, text=True, timeout=300)
    assert "(UnrecognizedClientException)" in done.stderr
    assert "The security token included in the request is invalid." in done.stderr
