"""What an integration has to be like before it is kept. Pure; the texts are API Gateway's."""

import re
from collections.abc import Mapping
from typing import Any

from stoker.apis.errors import BadRequestException
from stoker.apis.functions import function_arn
from stoker.apis.rest.aws_services import service_of
from stoker.apis.rest.vtl.parser import parse
from stoker.apis.rest.vtl.scanner import TemplateSyntaxError
from stoker.model.errors import NotBuiltError
from stoker.model.limited_regex import Pattern, PatternError

TYPES = ("HTTP", "AWS", "MOCK", "HTTP_PROXY", "AWS_PROXY")
MIN_TIMEOUT_MS, MAX_TIMEOUT_MS = 50, 29_000
_PASSTHROUGH = ("WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER")
_CONTENT_HANDLING = ("CONVERT_TO_BINARY", "CONVERT_TO_TEXT")
_REQUEST_PLACES = re.compile(
    r"integration\.request\.(?:path|querystring|multivaluequerystring|header|multivalueheader)\..+"
)
_REQUEST_SOURCES = re.compile(
    r"'.*'|method\.request\.(?:(?:path|querystring|multivaluequerystring|header|multivalueheader)\..+|body(?:\..+|\[.+)?)"
    r"|(?:context|stageVariables)\..+",
    re.DOTALL,
)
_RESPONSE_PLACES = re.compile(r"method\.response\.(?:header|multivalueheader)\.[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RESPONSE_SOURCES = re.compile(
    r"'.*'|integration\.response\.(?:(?:header|multivalueheader)\..+|body(?:\..+|\[.+)?)|(?:context|stageVariables)\..+",
    re.DOTALL,
)


def check_integration(integration: Mapping[str, Any]) -> None:
    """Raises BadRequestException, or NotBuiltError for what Stoker does not do."""
    kind = integration.get("type")
    if kind not in TYPES:
        raise BadRequestException(f"Invalid integration type specified: {kind}")
    if integration.get("connectionType") == "VPC_LINK" or integration.get("integrationTarget"):
        raise NotBuiltError("VPC links are not there yet in Stoker.")
    if integration.get("responseTransferMode", "BUFFERED") != "BUFFERED":
        raise NotBuiltError("Streamed answers of REST APIs are not there yet in Stoker.")
    if (integration.get("tlsConfig") or {}).get("insecureSkipVerification"):
        raise NotBuiltError("insecureSkipVerification is not there in Stoker.")
    if integration.get("passthroughBehavior") not in _PASSTHROUGH:
        raise BadRequestException("Invalid passthrough behavior specified")
    _check_content_handling(integration)
    timeout = integration.get("timeoutInMillis", MAX_TIMEOUT_MS)
    if not MIN_TIMEOUT_MS <= timeout <= MAX_TIMEOUT_MS:
        raise BadRequestException(f"Timeout should be between {MIN_TIMEOUT_MS} ms and {MAX_TIMEOUT_MS} ms")
    if kind != "MOCK":
        _check_target(integration)
    _check_mappings(integration.get("requestParameters"), _REQUEST_PLACES, _REQUEST_SOURCES)
    _check_templates(integration.get("requestTemplates"))
    for response in (integration.get("integrationResponses") or {}).values():
        _check_response(response)


def _check_target(integration: Mapping[str, Any]) -> None:
    uri = integration.get("uri") or ""
    if not integration.get("httpMethod"):
        raise BadRequestException("Enumeration value for HttpMethod must be non-empty")
    if integration["type"].startswith("HTTP"):
        if not re.match(r"https?://|\$\{stageVariables\.", uri):
            raise BadRequestException("Invalid HTTP endpoint specified for URI")
        return
    if re.match(r"arn:aws[a-z-]*:apigateway:[^:]+:[^:]+:(?:path|action)/", uri) is None:
        raise BadRequestException("AWS ARN for integration must contain path or action")
    if function_arn(uri) is None:
        _check_service(integration, uri)
    if (integration.get("credentials") or "").startswith("arn:aws:iam::*"):
        raise NotBuiltError("Integrations with the caller's own credentials are not there yet in Stoker.")


def _check_service(integration: Mapping[str, Any], uri: str) -> None:
    if service_of(uri) in (None, "lambda"):
        raise BadRequestException("Invalid ARN specified in the request")
    if integration["type"] == "AWS_PROXY":
        raise BadRequestException(
            "Integrations of type AWS_PROXY currently only supports Lambda function and Firehose stream invocations."
        )
    if not integration.get("credentials"):
        raise BadRequestException("Role ARN must be specified for AWS integrations")


def _check_response(response: Mapping[str, Any]) -> None:
    _check_content_handling(response)
    _check_mappings(response.get("responseParameters"), _RESPONSE_PLACES, _RESPONSE_SOURCES)
    _check_templates(response.get("responseTemplates"))
    try:
        Pattern(response.get("selectionPattern") or "")
    except PatternError:
        raise BadRequestException("Invalid selection pattern specified") from None


def _check_content_handling(given: Mapping[str, Any]) -> None:
    if given.get("contentHandling") not in (None, *_CONTENT_HANDLING):
        raise BadRequestException("Invalid content handling specified")


def _check_mappings(given: Mapping[str, str] | None, places: re.Pattern[str], sources: re.Pattern[str]) -> None:
    for place, source in (given or {}).items():
        wrong = place if places.fullmatch(place) is None else source if sources.fullmatch(source) is None else None
        if wrong is not None:
            raise BadRequestException(
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
                f"[Invalid mapping expression parameter specified: {wrong}]"
            )


def _check_templates(templates: Mapping[str, str | None] | None) -> None:
    for content_type, text in (templates or {}).items():
        try:
            parse(text or "")
        except TemplateSyntaxError as error:
            raise BadRequestException(f"Invalid mapping template for {content_type}: {error}") from None
