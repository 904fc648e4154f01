"""The errors that services answer with, and what a function's own failure is called."""

import inspect
import re

from source_code import ROOT, cell, modules

from stoker.model.errors import ServiceError

# A failed invocation's type, and what to do about it. The code may have no other.
FAILURES = {
    "Extension.Crash": "An extension ended by itself. Its log lines say why",
    "Extension.ExitError": "An extension said that it gives up (`/exit/error`)",
    "Extension.InitError": "An extension said that its init failed (`/init/error`)",
    "Extension.LaunchError": "A file in `/opt/extensions` could not be started. It has to be executable, and a program of this machine",
    "Function.ResponseSizeTooLarge": "The answer is larger than 6 MB. Stream it, or put it into a bucket and answer where",
    "Runtime.AfterRestoreError": "A hook failed in a process that SnapStart had restored: `RESTORE_REPORT` says so, and the caller gets `SnapStartException`",
    "Runtime.ExitError": "The function's process ended. The log says with which status, or by which signal",
    "Runtime.InvalidEntrypoint": "The `bootstrap` could not be started. It has to be in the zip's root or a layer's, and executable",
    "Runtime.OutOfMemory": "The function took more memory than it has. Give it more: `MemorySize`",
    "Runtime.TruncatedResponse": "The process ended in the middle of a streamed answer",
    "Runtime.Unknown": "The runtime said that it failed, and not how",
    "Sandbox.Timedout": "The function took longer than its `Timeout`, or its init longer than 10 s twice",
}
# What the Extensions API answers to an extension that uses it wrongly.
OF_EXTENSIONS = {
    "Extension.InvalidEventType",
    "Extension.InvalidExtensionIdentifier",
    "Extension.InvalidExtensionName",
    "Extension.InvalidExtensionState",
    "Extension.MissingHeader",
    "Extension.RegistrationClosed",
    "Extension.TooManyExtensions",
    "Extension.UnknownExtensionIdentifier",
}
AREAS = {
    "stoker.model.errors": "Lambda, and whatever is common",
    "stoker.wire.errors": "Signatures and requests",
    "stoker.identity.errors": "IAM and STS",
    "stoker.queues.errors": "SQS",
    "stoker.objects.errors": "S3",
    "stoker.items.errors": "DynamoDB",
    "stoker.streams.errors": "Kinesis",
    "stoker.buses.event_errors": "EventBridge",
    "stoker.buses.schedule_errors": "EventBridge Scheduler",
    "stoker.buses.topic_errors": "SNS",
    "stoker.apis.errors": "API Gateway",
    "stoker.apis.rest.errors": "API Gateway, REST APIs",
    "stoker.services.logs.errors": "CloudWatch Logs",
    "stoker.services.cloudwatch.errors": "CloudWatch",
}
_FAILURE = re.compile(r'"((?:Runtime|Extension|Sandbox|Function)\.[A-Z][A-Za-z]+)"')


def errors() -> str:
    lines = ["# Errors", ""]
    lines += ["What to do about the most frequent ones is in [Troubleshooting](../guides/troubleshooting.md)."]
    lines += [
        "",
        "## A function that failed",
        "",
        "The type in the answer of a failed invocation (`errorType`, with the header",
    ]
    lines += ["`X-Amz-Function-Error: Unhandled`). An exception of the function's own has its class's name here.", ""]
    lines += ["| type | what happened, and what to do |", "|---|---|"]
    lines += [f"| `{name}` | {cell(FAILURES[name])}. |" for name in sorted(_named() - OF_EXTENSIONS)]
    lines += ["", "To an extension that uses the Extensions API wrongly: "]
    lines[-1] += ", ".join(f"`{name}`" for name in sorted(_named() & OF_EXTENSIONS)) + "."
    lines += [
        "",
        "## What services answer",
        "",
        "Code and status as on the wire; the text is what is said where nothing more can be.",
    ]
    for module, classes in _by_area().items():
        lines += [
            "",
            f"### {AREAS.get(module, module.split('.')[-2])}",
            "",
            "| code | status | text |",
            "|---|---|---|",
        ]
        rows = {(each.query_code or each.xml_code or each.code, each.status, _text(each)) for each in classes}
        lines += [f"| `{code}` | {status} | {cell(text)} |" for code, status, text in sorted(rows)]
    return "\n".join(lines) + "\n"


def _named() -> set[str]:
    found = {name for path in ROOT.rglob("*.py") for name in _FAILURE.findall(path.read_text())}
    unknown = found - FAILURES.keys() - OF_EXTENSIONS
    assert not unknown, f"tools/reference/errors.py does not say what these are: {unknown}"
    return found


def _by_area() -> dict[str, list[type[ServiceError]]]:
    found: dict[str, list[type[ServiceError]]] = {}
    for module in modules("*errors.py"):
        for each in vars(module).values():
            own = inspect.isclass(each) and issubclass(each, ServiceError) and each.__module__ == module.__name__
            if own and each is not ServiceError and "code" in vars(each):
                found.setdefault(module.__name__, []).append(each)
    order = list(AREAS)
    return dict(
        sorted(found.items(), key=lambda item: (order.index(item[0]) if item[0] in order else len(order), item[0]))
    )


def _text(error: type[ServiceError]) -> str:
    """Its default message: the first paragraph of what it says of itself."""
    return " ".join((error.__doc__ or "").strip().partition("\n\n")[0].split())
