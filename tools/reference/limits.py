"""Limits, runtimes, and the names that functions may not use for variables of their own."""

import importlib

from source_code import cell

from stoker.functions.runtimes import OLDEST_PYTHON
from stoker.model.limits import RESERVED_ENVIRONMENT_NAMES

# A constant, and what it is for. One that is gone fails the test.
LIMITS: dict[str, dict[str, str]] = {
    "Functions": {
        "model.limits:MAX_TIMEOUT_S": "timeout",
        "model.limits:MAX_MEMORY_MB": "memory",
        "model.limits:MAX_EPHEMERAL_MB": "disk at /tmp",
        "model.limits:MAX_ZIPPED_BYTES": "zip in a request; larger ones come from a bucket",
        "model.limits:MAX_UNZIPPED_BYTES": "code and layers, unpacked",
        "model.limits:MAX_CODE_STORAGE_BYTES": "all code and layers of a region",
        "model.limits:MAX_PACKAGE_ENTRIES": "files in a zip (Stoker's own limit)",
        "model.limits:MAX_LAYERS": "layers of a function",
        "model.limits:MAX_ENVIRONMENT_BYTES": "environment variables together",
        "model.limits:MAX_TAGS": "tags of a function",
        "model.limits:MAX_POLICY_BYTES": "policy of a function",
        "model.limits:MAX_FUNCTION_NAME_LENGTH": "characters of a name",
    },
    "Invocations": {
        "model.limits:MAX_INVOKE_REQUEST_BYTES": "event of a synchronous invocation",
        "runtime_api.response_stream:MAX_RESPONSE_BYTES": "answer",
        "runtime_api.response_stream:MAX_STREAMED_BYTES": "streamed answer",
        "model.limits:MAX_ASYNC_PAYLOAD_BYTES": "event of an asynchronous invocation",
        "environments.environment:INIT_LIMIT_S": "init, before it is tried again within the invocation",
        "environments.environment:PROVISIONED_INIT_LIMIT_S": "init of a provisioned environment",
        "environments.environment:MAX_AGE_S": "life of an environment",
        "environments.lines:MAX_EVENT_BYTES": "line of a log; longer ones are cut into several",
        "invocations.trace:MAX_LOOPS": "rounds of a loop through queues, topics or buckets before it is stopped",
        "runtime_api.extensions:MAX_EXTENSIONS": "extensions of a function",
    },
    "Concurrency": {
        "model.limits:DEFAULT_CONCURRENCY": "at once in a region, unless `stoker up --concurrency` says another",
        "model.limits:MIN_UNRESERVED_CONCURRENCY": "that reservations leave to the others",
        "environments.admission:SCALING_PER_S": "further environments of a function, a second, beyond the first burst",
        "environments.waiting:WAIT_LIMIT_S": "wait for the machine's memory before 429",
    },
    "SQS": {
        "queues.message_rules:MAX_BATCH": "messages of a batch",
        "queues.message_rules:MAX_BATCH_BYTES": "message, or batch of them",
        "queues.message_rules:MAX_ATTRIBUTES": "attributes of a message",
        "queues.message_rules:MAX_DELAY_S": "delay of a message",
    },
    "S3": {
        "objects.buckets:MAX_BUCKETS": "buckets",
        "objects.intake:MAX_BYTES": "object, or part of one, in one request",
        "objects.uploads:MAX_PARTS": "parts of an upload",
        "objects.version:MAX_KEY_BYTES": "key",
    },
    "DynamoDB": {
        "items.writing:MAX_ITEM_BYTES": "item",
        "items.table_rules:MAX_GLOBAL_INDEXES": "global indexes of a table",
        "items.table_rules:MAX_LOCAL_INDEXES": "local indexes of a table",
    },
    "Kinesis": {
        "streams.resharding:MAX_SHARDS": "shards of a stream",
        "streams.consumers:MAX_CONSUMERS": "consumers with fan-out of their own",
        "streams.records:MAX_PUT_BYTES": "records of one PutRecords",
    },
    "API Gateway": {
        "apis.http.routes:MAX_ROUTES": "routes of an HTTP or WebSocket API",
        "apis.rest.resources:MAX_RESOURCES": "resources of a REST API",
        "apis.http.stages:MAX_STAGES": "stages of an HTTP or WebSocket API",
        "apis.http.connections:MAX_MESSAGE_BYTES": "message of a WebSocket",
        "apis.http.socket_session:IDLE_S": "silence after which a WebSocket is closed",
        "apis.http.socket_session:LONGEST_S": "life of a WebSocket",
    },
}


def limits() -> str:
    lines = ["# Limits and runtimes", "", "Where AWS has a limit it is AWS's. It says so when one is Stoker's own."]
    for area, rows in LIMITS.items():
        lines += ["", f"## {area}", "", "| what | at most |", "|---|---|"]
        lines += [f"| {cell(what)} | {_amount(*where.split(':'))} |" for where, what in rows.items()]
    oldest = ".".join(map(str, OLDEST_PYTHON))
    lines += ["", "## Runtimes", "", "Those of this machine; `stoker runtimes` lists them. Nothing is downloaded.", ""]
    lines += ["| runtime | needs | handler |", "|---|---|---|"]
    lines += [
        f"| `python{oldest}` and later, `python3.N` | that CPython in `/usr`, `/usr/local`, on the PATH or in pyenv | `module.function` |"
    ]
    lines += ["| `nodejsN.x` | that Node on the PATH | `file.export` |"]
    lines += [
        "| `provided.al2023`, `provided.al2` | a `bootstrap` in the zip or a layer that this machine can execute | what the bootstrap makes of it |"
    ]
    lines += ["", "## Variables that Stoker sets", "", "A function has no variables of its own by these names: "]
    lines[-1] += ", ".join(f"`{name}`" for name in sorted(RESERVED_ENVIRONMENT_NAMES)) + "."
    return "\n".join(lines) + "\n"


def _amount(module: str, name: str) -> str:
    value = getattr(importlib.import_module(f"stoker.{module}"), name)
    if name.endswith("_BYTES"):
        return _bytes(value)
    if name.endswith("_MB"):
        return f"{value:,} MB"
    if name.endswith("_S"):
        return f"{value:,g}" if name.endswith("PER_S") else _seconds(value)
    return f"{value:,}"


def _bytes(value: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if value >= size:
            return (
                f"{value / size:,.10g} {unit}" if value % size == 0 else f"{value:,} bytes ({value / size:.1f} {unit})"
            )
    return f"{value:,} bytes"


def _seconds(value: float) -> str:
    if value >= 3600 and value % 3600 == 0:
        return f"{value / 3600:g} h"
    return f"{value / 60:g} min" if value >= 60 and value % 60 == 0 else f"{value:g} s"
