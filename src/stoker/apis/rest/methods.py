"""Methods, their integrations, and what both answer. Pure, on an API's document."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.apis.errors import BadRequestException, ConflictException, NotFoundException
from stoker.apis.rest import patches
from stoker.apis.rest.documents import Document, integration_of, method_of, resource_of
from stoker.apis.rest.integration_rules import check_integration
from stoker.model.errors import NotBuiltError

HTTP_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "ANY")
AUTHORIZATION_TYPES = ("NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS")

_METHOD = patches.Patchable(
    members={
        "authorizationType": patches.one_of(*AUTHORIZATION_TYPES),
        "authorizerId": patches.text,
        "apiKeyRequired": patches.boolean,
        "operationName": patches.text,
        "requestValidatorId": patches.text,
    },
    removable=frozenset({"authorizerId", "operationName", "requestValidatorId"}),
    maps={"requestParameters": patches.boolean, "requestModels": patches.text},
)
_METHOD_RESPONSE = patches.Patchable(maps={"responseParameters": patches.boolean, "responseModels": patches.text})
_INTEGRATION = patches.Patchable(
    members={
        "httpMethod": patches.text,
        "uri": patches.text,
        "type": patches.text,
        "credentials": patches.text,
        "passthroughBehavior": patches.text,
        "contentHandling": patches.text,
        "cacheNamespace": patches.text,
        "timeoutInMillis": patches.integer,
        "connectionType": patches.text,
    },
    removable=frozenset({"credentials", "contentHandling", "uri", "connectionType"}),
    maps={"requestParameters": patches.text, "requestTemplates": patches.text},
    sets=frozenset({"cacheKeyParameters"}),
)
_INTEGRATION_RESPONSE = patches.Patchable(
    members={"selectionPattern": patches.text, "contentHandling": patches.text},
    removable=frozenset({"selectionPattern", "contentHandling"}),
    maps={"responseParameters": patches.text, "responseTemplates": patches.text},
)
Operations = Sequence[Mapping[str, Any]]


def put_method(document: Document, resource_id: str, http_method: str, given: Mapping[str, Any]) -> Document:
    """A new method; ConflictException if there is one."""
    methods = resource_of(document, resource_id)["resourceMethods"]
    if http_method not in HTTP_METHODS:
        raise BadRequestException("Invalid HTTP method specified: it has to be one of " + ", ".join(HTTP_METHODS))
    if http_method in methods:
        raise ConflictException("Method already exists for this resource")
    method = {"httpMethod": http_method, "apiKeyRequired": False, **given}
    _check_method(document, method)
    methods[http_method] = method
    return method


def update_method(document: Document, resource_id: str, http_method: str, operations: Operations) -> Document:
    method = method_of(document, resource_id, http_method)
    patches.apply(method, operations, _METHOD)
    _check_method(document, method)
    return method


def _check_method(document: Document, method: Mapping[str, Any]) -> None:
    kind = method.get("authorizationType")
    if kind not in AUTHORIZATION_TYPES:
        raise BadRequestException(
            "Invalid authorization type specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS "
            "requires a valid authorizer."
        )
    if kind == "COGNITO_USER_POOLS" or method.get("authorizationScopes"):
        raise NotBuiltError("Authorization by Cognito user pools is not there yet in Stoker.")
    if kind == "CUSTOM" and method.get("authorizerId") not in document["authorizers"]:
        raise BadRequestException(
            "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or "
            "COGNITO_USER_POOLS requires a valid authorizer."
        )
    validator = method.get("requestValidatorId")
    if validator and validator not in document["validators"]:
        raise BadRequestException("Invalid Request Validator identifier specified")
    for model in (method.get("requestModels") or {}).values():
        if model not in document["models"]:
            raise BadRequestException(f"Invalid model identifier specified: {model}")
    for name in method.get("requestParameters") or {}:
        if not name.startswith(
            (
                "method.request.header.",
                "method.request.querystring.",
                "method.request.path.",
                "method.request.multivalueheader.",
                "method.request.multivaluequerystring.",
            )
        ):
            raise BadRequestException(
                f"Invalid mapping expression specified: Validation Result: warnings : [], errors : "
                f"[Invalid mapping expression parameter specified: {name}]"
            )


def remove_method(document: Document, resource_id: str, http_method: str) -> None:
    method_of(document, resource_id, http_method)
    del document["resources"][resource_id]["resourceMethods"][http_method]


def put_method_response(
    document: Document, resource_id: str, http_method: str, status: str, given: Mapping[str, Any]
) -> Document:
    method = method_of(document, resource_id, http_method)
    responses = method.setdefault("methodResponses", {})
    if status in responses:
        raise ConflictException("Response already exists for this resource")
    responses[status] = {"statusCode": status, **given}
    found: Document = responses[status]
    _check_models(document, found)
    return found


def method_response_of(document: Document, resource_id: str, http_method: str, status: str) -> Document:
    responses = method_of(document, resource_id, http_method).get("methodResponses") or {}
    if status not in responses:
        raise NotFoundException("Invalid Response status code specified")
    found: Document = responses[status]
    return found


def update_method_response(
    document: Document, resource_id: str, http_method: str, status: str, operations: Operations
) -> Document:
    response = method_response_of(document, resource_id, http_method, status)
    patches.apply(response, operations, _METHOD_RESPONSE)
    _check_models(document, response)
    return response


def _check_models(document: Document, response: Mapping[str, Any]) -> None:
    for model in (response.get("responseModels") or {}).values():
        if model not in document["models"]:
            raise BadRequestException(f"Invalid model identifier specified: {model}")


def remove_method_response(document: Document, resource_id: str, http_method: str, status: str) -> None:
    method_response_of(document, resource_id, http_method, status)
    del method_of(document, resource_id, http_method)["methodResponses"][status]


def put_integration(document: Document, resource_id: str, http_method: str, given: Mapping[str, Any]) -> Document:
    """The method's integration from now on; what the last one answered goes with it."""
    method = method_of(document, resource_id, http_method)
    integration = {
        "passthroughBehavior": "WHEN_NO_MATCH",
        "timeoutInMillis": 29_000,
        "cacheNamespace": resource_id,
        "cacheKeyParameters": [],
        **given,
    }
    check_integration(integration)
    method["methodIntegration"] = integration
    return integration


def update_integration(document: Document, resource_id: str, http_method: str, operations: Operations) -> Document:
    integration = integration_of(document, resource_id, http_method)
    patches.apply(integration, operations, _INTEGRATION)
    check_integration(integration)
    return integration


def remove_integration(document: Document, resource_id: str, http_method: str) -> None:
    integration_of(document, resource_id, http_method)
    del method_of(document, resource_id, http_method)["methodIntegration"]


def put_integration_response(
    document: Document, resource_id: str, http_method: str, status: str, given: Mapping[str, Any]
) -> Document:
    integration = integration_of(document, resource_id, http_method)
    if status not in (method_of(document, resource_id, http_method).get("methodResponses") or {}):
        raise NotFoundException("Invalid Response status code specified")
    responses = integration.setdefault("integrationResponses", {})
    responses[status] = {"statusCode": status, **given}
    check_integration(integration)
    found: Document = responses[status]
    return found


def integration_response_of(document: Document, resource_id: str, http_method: str, status: str) -> Document:
    responses = integration_of(document, resource_id, http_method).get("integrationResponses") or {}
    if status not in responses:
        raise NotFoundException("Invalid Response status code specified")
    found: Document = responses[status]
    return found


def update_integration_response(
    document: Document, resource_id: str, http_method: str, status: str, operations: Operations
) -> Document:
    response = integration_response_of(document, resource_id, http_method, status)
    patches.apply(response, operations, _INTEGRATION_RESPONSE)
    check_integration(integration_of(document, resource_id, http_method))
    return response


def remove_integration_response(document: Document, resource_id: str, http_method: str, status: str) -> None:
    integration_response_of(document, resource_id, http_method, status)
    del integration_of(document, resource_id, http_method)["integrationResponses"][status]
