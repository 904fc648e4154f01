"""The environment variables that a function finds: pure.

Source: "Defined runtime environment variables" in the AWS Lambda Developer Guide; LAMBDA.md, Environment variables.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stoker.model.function import FunctionVersion
from stoker.model.invocation import LogStream
from stoker.model.runtime import Runtime
from stoker.sandbox.spec import ProgramStart

RUNTIME_API = "127.0.0.1:9001"

# Values of AWS_LAMBDA_INITIALIZATION_TYPE.
ON_DEMAND = "on-demand"
PROVISIONED = "provisioned-concurrency"
SNAP_START = "snap-start"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Short-lived credentials of a function's role."""

    access_key_id: str
    secret_access_key: str
    session_token: str


def function_variables(
    function: FunctionVersion,
    runtime: Runtime,
    *,
    stream: LogStream,
    credentials: Credentials,
    endpoint_url: str,
    initialization_type: str = ON_DEMAND,
) -> Mapping[str, str]:
    """All variables of one environment: what a function may set itself comes first, what it may not comes last."""
    return {
        **_defaults(runtime),
        "AWS_ENDPOINT_URL": endpoint_url,
        **function.environment,
        **_reserved(function, runtime, stream),
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization_type,
        **_logging(function),
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
    }


def program_start(function: FunctionVersion, runtime: Runtime) -> ProgramStart:
    """How the function's program will be started, as far as that is known before it is."""
    return ProgramStart(
        runtime=runtime,
        memory_mb=function.memory_mb,
        environment={**_defaults(runtime), **function.environment},
    )


def _defaults(runtime: Runtime) -> dict[str, str]:
    """Variables with a value until the function gives them another."""
    defaults = {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH": (
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
        ),
    }
    if runtime.kind == "python":
        defaults["PYTHONPATH"] = "/var/runtime"
    elif runtime.kind == "node":
        major = runtime.name.removeprefix("nodejs").removesuffix(".x")
        defaults["NODE_PATH"] = (
            f"/opt/nodejs/node{major}/node_modules:/opt/nodejs/node_modules:"
            "/var/runtime/node_modules:/var/runtime:/var/task"
        )
    return defaults


def _reserved(function: FunctionVersion, runtime: Runtime, stream: LogStream) -> dict[str, str]:
    reserved = {
        "_HANDLER": function.handler,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_LOG_GROUP_NAME": stream.group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream.stream,
        "AWS_LAMBDA_RUNTIME_API": RUNTIME_API,
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
    }
    if runtime.kind != "provided":
        reserved["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{runtime.name}"
    return reserved


def _logging(function: FunctionVersion) -> dict[str, str]:
    """Runtime clients form and filter their own lines by these; without them they write text, all of it."""
    variables = {}
    if function.logging.log_format == "JSON":
        variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        variables["AWS_LAMBDA_LOG_LEVEL"] = function.logging.application_level or "INFO"
    return variables
