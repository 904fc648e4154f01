"""What is refused, in AWS's words."""

from collections.abc import Callable
from typing import Any

import pytest

from fakes.control_plane import ControlPlane
from fakes.zips import zip_of
from stoker.functions import uploads
from stoker.model.errors import (
    CodeStorageExceededException,
    InvalidParameterValueException,
    NotBuiltError,
    RequestEntityTooLargeException,
    ServiceError,
    ValidationException,
)

UNABLE = "Lambda was unable to configure your environment variables because the environment variables you have provided"


def refusal(kind: type[ServiceError], attempt: Callable[[], Any]) -> str:
    """The message of the error, whose code and status must be exactly this kind's."""
    with pytest.raises(kind) as caught:
        attempt()
    assert (caught.value.code, caught.value.status) == (kind.code, kind.status)
    return caught.value.message


def bound(member: str, value: int, limit: int) -> str:
    constraint = f"Member must have value less than or equal to {limit}"
    return f"Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"


def test_a_timeout_of_more_than_15_minutes_is_refused(plane: ControlPlane) -> None:
    message = refusal(ValidationException, lambda: plane.create(Timeout=901))
    assert message == f"1 validation error detected: {bound('timeout', 901, 900)}"


def test_everything_that_is_too_large_is_told_at_once(plane: ControlPlane) -> None:
    message = refusal(ValidationException, lambda: plane.create(MemorySize=10241, EphemeralStorage={"Size": 10241}))
    both = f"{bound('memorySize', 10241, 10240)}; {bound('ephemeralStorage.size', 10241, 10240)}"
    assert message == f"2 validation errors detected: {both}"


def test_the_largest_settings_are_accepted(plane: ControlPlane) -> None:
    plane.create(MemorySize=10240, Timeout=900, EphemeralStorage={"Size": 10240})


def test_the_environment_may_take_4_kb_as_json(plane: ControlPlane) -> None:
    room = 4096 - len('{"A":""}')
    plane.create("fits", Environment={"Variables": {"A": "x" * room}})
    message = refusal(
        InvalidParameterValueException, lambda: plane.create(Environment={"Variables": {"A": "x" * (room + 1)}})
    )
    assert message == f'{UNABLE} exceeded the 4KB limit. String measured: {{"A":"{"x" * (room + 1)}"}}'


@pytest.mark.parametrize(
    ("given", "named"),
    [({"Environment": {"Variables": {"MINE": "a\0b"}}}, "MINE"), ({"Description": "\0"}, "description")],
)
def test_a_text_that_no_process_could_be_given_is_refused(
    plane: ControlPlane, given: dict[str, Any], named: str
) -> None:
    message = refusal(InvalidParameterValueException, lambda: plane.create(**given))
    assert message == f"Value at '{named}' must not contain the character U+0000."


def test_lambdas_own_variables_are_reserved(plane: ControlPlane) -> None:
    variables = {"AWS_REGION": "x", "_HANDLER": "y", "MINE": "z"}
    message = refusal(InvalidParameterValueException, lambda: plane.create(Environment={"Variables": variables}))
    assert message == (
        f"{UNABLE} contains reserved keys that are currently not supported for modification. "
        "Reserved keys used in this request: AWS_REGION, _HANDLER"
    )


def test_a_name_of_more_than_64_characters_is_refused(plane: ControlPlane) -> None:
    name = "a" * 65
    assert refusal(InvalidParameterValueException, lambda: plane.create(name)) == (
        f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: "
        "Member must have length less than or equal to 64"
    )


def test_runtime_and_handler_must_be_given(plane: ControlPlane) -> None:
    for missing in ("Runtime", "Handler"):
        message = refusal(InvalidParameterValueException, lambda m=missing: plane.create(**{m: None}))  # type: ignore[misc]
        assert message.startswith("Runtime and Handler are mandatory parameters")


@pytest.mark.parametrize(
    ("runtime", "advice"),
    [
        ("python3.13", "pyenv install 3.13"),
        ("nodejs22.x", "node 22"),
        ("python3.8", "too old"),
        ("java21", "bootstrap"),
    ],
)
def test_a_runtime_that_this_machine_lacks_is_refused_with_what_to_do(
    plane: ControlPlane, runtime: str, advice: str
) -> None:
    message = refusal(InvalidParameterValueException, lambda: plane.create(Runtime=runtime))
    assert message.startswith(
        f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
        "[python3.11, python3.12, provided.al2023] or be a valid ARN"
    )
    assert advice in message


def test_code_for_another_machine_is_refused(plane: ControlPlane) -> None:
    message = refusal(InvalidParameterValueException, lambda: plane.create(Architectures=["arm64"]))
    assert message == "Architecture arm64 cannot run on this machine, which is x86_64."


def test_a_zip_of_more_than_50_mb_is_refused(plane: ControlPlane) -> None:
    message = refusal(RequestEntityTooLargeException, lambda: plane.create(Code={"ZipFile": bytes(52_428_801)}))
    assert message == "Zipped size must be smaller than 52428800 bytes"


def test_no_code_at_all_is_refused(plane: ControlPlane) -> None:
    assert "source for function code" in refusal(InvalidParameterValueException, lambda: plane.create(Code={}))


def test_code_storage_is_limited(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    used = plane.create("first")["CodeSize"]
    monkeypatch.setattr(uploads, "MAX_CODE_STORAGE_BYTES", 2 * used)
    plane.create("second")
    assert refusal(CodeStorageExceededException, plane.create) == "Code storage limit exceeded."


def test_code_and_layers_together_must_not_exceed_250_mb(plane: ControlPlane) -> None:
    big = zip_of({"zeros": bytes(131_072_000)})
    layer = plane.call("PublishLayerVersion", LayerName="big", Content={"ZipFile": big})["LayerVersionArn"]
    too_big = zip_of({"zeros": bytes(131_072_000), "x": b"y"})
    message = refusal(InvalidParameterValueException, lambda: plane.create(Code={"ZipFile": too_big}, Layers=[layer]))
    assert message == (
        "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. "
        "The actual size is 262144001 bytes."
    )


@pytest.mark.parametrize(
    "params",
    [
        {"PackageType": "Image"},
        {"Code": {"ImageUri": "x"}},
        {"VpcConfig": {"SubnetIds": ["s"], "SecurityGroupIds": ["g"]}},
        {"KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k"},
        {"FileSystemConfigs": [{"Arn": "a", "LocalMountPath": "/mnt/a"}]},
        {"DurableConfig": {"ExecutionTimeout": 1}},
    ],
    ids=lambda params: next(iter(params)),
)
def test_a_setting_that_nothing_would_obey_is_not_taken(plane: ControlPlane, params: dict[str, Any]) -> None:
    message = refusal(NotBuiltError, lambda: plane.create(**params))
    assert next(iter(params)) in message


def test_active_tracing_is_kept_and_taken_back(plane: ControlPlane) -> None:
    plane.create(TracingConfig={"Mode": "Active"})
    assert plane.update(Description="other")["TracingConfig"] == {"Mode": "Active"}
    assert plane.update(TracingConfig={"Mode": "PassThrough"})["TracingConfig"] == {"Mode": "PassThrough"}


def test_settings_that_ask_for_nothing_are_accepted(plane: ControlPlane) -> None:
    plane.create(
        PackageType="Zip",
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
        DeadLetterConfig={},
        TracingConfig={"Mode": "PassThrough"},
        SnapStart={"ApplyOn": "None"},
        KMSKeyArn="",
        FileSystemConfigs=[],
    )


def test_log_levels_exist_in_json_only(plane: ControlPlane) -> None:
    logging = {"LogFormat": "JSON", "SystemLogLevel": "DEBUG"}
    json = plane.create(LoggingConfig=logging)["LoggingConfig"]
    assert (json["ApplicationLogLevel"], json["SystemLogLevel"]) == ("INFO", "DEBUG")
    text = plane.update(LoggingConfig={"LogFormat": "Text"})["LoggingConfig"]
    assert (text["ApplicationLogLevel"], text["SystemLogLevel"]) == (None, None)
    with pytest.raises(InvalidParameterValueException):
        plane.update(LoggingConfig={"ApplicationLogLevel": "DEBUG"})
