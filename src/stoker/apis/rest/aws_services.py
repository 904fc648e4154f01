"""Other AWS services as integrations: a request to the service's own API, made as the integration's role.

Source: "uri" of PutIntegration in the API Gateway API reference: `arn:aws:apigateway:REGION:SERVICE:path/PATH` or
`…:action/ACTION`.
"""

import re
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlencode

from msgspec import Struct

from stoker.deliveries.outbound import OutboundAnswer

# By service: the prefix of the header that names an action, and the content type of its requests. Others take
# the action as a parameter.
_TARGETS = {
    "dynamodb": ("DynamoDB_20120810", "application/x-amz-json-1.0"),
    "events": ("AWSEvents", "application/x-amz-json-1.1"),
    "kinesis": ("Kinesis_20131202", "application/x-amz-json-1.1"),
    "logs": ("Logs_20140328", "application/x-amz-json-1.1"),
    "states": ("AWSStepFunctions", "application/x-amz-json-1.0"),
}
_VERSIONS = {"sns": "2010-03-31", "sqs": "2012-11-05"}
_URI = re.compile(
    r"arn:aws[a-z-]*:apigateway:(?P<region>[a-z0-9-]+):(?:[a-z0-9-]+\.)?(?P<service>[a-z0-9-]+):"
    r"(?P<kind>path|action)/(?P<rest>.*)"
)


class ServiceCall(Struct, frozen=True, kw_only=True):
    """One request to an AWS API. `path` and `query` are percent-encoded."""

    region: str
    service: str
    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    role_arn: str
    source_ip: str


class Services(Protocol):
    """AWS's APIs, for whoever may act as a role."""

    async def call(self, call: ServiceCall) -> OutboundAnswer:
        """The answer, whatever its status. Raises AccessDeniedException where API Gateway may not act as the role."""


def service_of(uri: str) -> str | None:
    """The service that an integration's URI names; None if it is none of that form."""
    found = _URI.fullmatch(uri)
    return None if found is None else found["service"]


def service_call(
    uri: str,
    *,
    method: str,
    query: Sequence[tuple[str, str]],
    headers: Sequence[tuple[str, str]],
    content_type: str,
    body: bytes,
    role_arn: str,
    source_ip: str,
) -> ServiceCall | None:
    """What a URI, with its parameters filled in, asks for; None if it is none."""
    found = _URI.fullmatch(uri)
    if found is None:
        return None
    service, rest = found["service"], found["rest"]
    path, _, own_query = rest.partition("?") if found["kind"] == "path" else ("", "", "")
    further: list[tuple[str, str]] = []
    named = {name.lower() for name, _ in headers}
    if found["kind"] == "action" and service in _TARGETS:
        prefix, content_type = _TARGETS[service]
        further.append(("x-amz-target", f"{prefix}.{rest.strip('/')}"))
    elif found["kind"] == "action":
        version = [("Version", _VERSIONS[service])] if service in _VERSIONS else []
        query = [("Action", rest.strip("/")), *version, *query]
    if "content-type" not in named and (body or further):
        further.append(("content-type", content_type))
    return ServiceCall(
        region=found["region"],
        service=service,
        method=method,
        path=f"/{path.lstrip('/')}",
        query="&".join(part for part in (own_query, urlencode(query)) if part),
        headers=[*headers, *further],
        body=body,
        role_arn=role_arn,
        source_ip=source_ip,
    )
