"""The operations of each service: which are there, and what those that are refuse."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import Any
from unittest.mock import MagicMock

from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel
from source_code import calls, cell, text_of

import stoker.services
from stoker.event_sources.options import UNBUILT as UNBUILT_OF_MAPPINGS
from stoker.services.lambda_.unbuilt import UNBUILT as UNBUILT_OF_FUNCTIONS

# Whose words the domain packages' refusals are.
DOMAINS = {
    "objects": "s3",
    "queues": "sqs",
    "items": "dynamodb",
    "streams": "kinesis",
    "apis/rest": "apigateway",
    "apis/http": "apigatewayv2",
}
BUSES = {"topic": "sns", "subscriptions": "sns", "delivery_policy": "sns", "schedule": "scheduler"}


def operations() -> str:
    services = sorted((_service(each.name) for each in pkgutil.iter_modules(stoker.services.__path__)), key=_title)
    refusals = _refusals()
    lines = [
        "# Operations",
        "",
        "Which operations of which services are there. What is not answers 501 (`NotImplemented`) and names itself; so does a",
        "setting that nothing would obey. A service that is not on this page answers 501 as a whole.",
        "",
        "| service | operations | of |",
        "|---|---|---|",
    ]
    sections: list[str] = []
    for service in services:
        model = _model(service.name)
        there = [each for each in model.operation_names if xform_name(each) in service.operations]
        missing = [each for each in model.operation_names if each not in there]
        lines.append(f"| [{_title(service)}](#{service.name}) | {len(there)} | {len(model.operation_names)} |")
        sections += [f'\n<a name="{service.name}"></a>\n## {_title(service)}', "", f"There: {_list(there)}."]
        if missing:
            sections += ["", f"501: {_list(missing)}."]
        if refused := refusals.get(service.name):
            sections += ["", "Refused with 501 in operations that are there:", "", *(f"- {each}" for each in refused)]
        if service.name == "lambda":
            sections += ["", *_parameters()]
    return "\n".join([*lines, *sections]) + "\n"


def _service(package: str) -> Any:
    """On nothing: only its attributes are looked at."""
    module = importlib.import_module(f"stoker.services.{package}.service")
    own = [each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__]
    (service,) = [each for each in own if hasattr(each, "name")]
    return service(**{name: MagicMock() for name in inspect.signature(service).parameters})


def _model(name: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def _title(service: Any) -> str:
    return str(_model(service.name).metadata["serviceId"])


def _list(names: list[str]) -> str:
    return ", ".join(f"`{each}`" for each in sorted(names))


def _refusals() -> Mapping[str, list[str]]:
    """What the code says of what is not built, by service."""
    found: dict[str, list[str]] = {}
    for path, call, _ in calls("NotBuiltError"):
        text = text_of(call.args[0]) if call.args else None
        service = _service_of(path)
        if text is None or service is None or text.startswith("…"):
            continue
        known = found.setdefault(service, [])
        short = (
            text.removesuffix(".")
            .replace(" are not there yet in Stoker", "")
            .replace(" is not there yet in Stoker", "")
        )
        if short not in known:
            known.append(short)
    return found


def _service_of(path: str) -> str | None:
    if path.startswith("services/"):
        return path.split("/")[1].rstrip("_")
    if path.startswith("buses/"):
        name = path.split("/")[1]
        return next((service for prefix, service in BUSES.items() if name.startswith(prefix)), "events")
    return next((service for prefix, service in DOMAINS.items() if path.startswith(f"{prefix}/")), None)


def _parameters() -> list[str]:
    rows = [(".".join(path), what) for path, (what, _) in UNBUILT_OF_FUNCTIONS.items()]
    rows += list(UNBUILT_OF_MAPPINGS.items())
    table = [
        "Parameters that are refused because nothing would obey them:",
        "",
        "| parameter | what it asks for |",
        "|---|---|",
    ]
    return table + [f"| `{name}` | {cell(what)} |" for name, what in dict(rows).items()]
