"""Models, request validators, authorizers and gateway responses of an API. Pure, on its document."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.apis import ids
from stoker.apis.errors import BadRequestException, ConflictException, NotFoundException
from stoker.apis.functions import function_arn
from stoker.apis.rest import patches
from stoker.apis.rest.documents import Document, part_of
from stoker.apis.rest.errors import LimitExceededException
from stoker.apis.rest.gateway_responses import DEFAULTS, shown
from stoker.apis.rest.headers import is_name
from stoker.apis.rest.model_schemas import check_schema
from stoker.model.errors import NotBuiltError
from stoker.model.limited_regex import Pattern, PatternError

Operations = Sequence[Mapping[str, Any]]
MAX_AUTHORIZERS = 10
MAX_TTL_S = 3600
_HEADER = "gatewayresponse.header."
_MODEL_NAME = re.compile(r"[A-Za-z0-9]+")
_MODEL = patches.Patchable(
    members={"description": patches.text, "schema": patches.text, "contentType": patches.text},
    removable=frozenset({"description"}),
)
_VALIDATOR = patches.Patchable(
    members={
        "name": patches.text,
        "validateRequestBody": patches.boolean,
        "validateRequestParameters": patches.boolean,
    }
)
_AUTHORIZER = patches.Patchable(
    members={
        "name": patches.text,
        "type": patches.text,
        "authType": patches.text,
        "authorizerUri": patches.text,
        "authorizerCredentials": patches.text,
        "identitySource": patches.text,
        "identityValidationExpression": patches.text,
        "authorizerResultTtlInSeconds": patches.integer,
    },
    removable=frozenset({"authType", "authorizerCredentials", "identityValidationExpression", "identitySource"}),
)
_GATEWAY_RESPONSE = patches.Patchable(
    members={"statusCode": patches.text},
    removable=frozenset({"statusCode"}),
    maps={"responseParameters": patches.text, "responseTemplates": patches.text},
)


def add_model(document: Document, given: Mapping[str, Any]) -> Document:
    name = given["name"]
    if _MODEL_NAME.fullmatch(name) is None:
        raise BadRequestException("Model name must be alphanumeric: " + name)
    if name in document["models"]:
        raise ConflictException("Model name already exists for this REST API")
    check_schema(given.get("schema"))
    model = {"id": ids.new_part_id(), **given}
    document["models"][name] = model
    return model


def model_of(document: Document, name: str) -> Document:
    return part_of(document, "models", name, f"Invalid model name specified: {name}")


def update_model(document: Document, name: str, operations: Operations) -> Document:
    model = model_of(document, name)
    patches.apply(model, operations, _MODEL)
    check_schema(model.get("schema"))
    return model


def remove_model(document: Document, name: str) -> None:
    model_of(document, name)
    for resource in document["resources"].values():
        for http_method, method in resource["resourceMethods"].items():
            used = list((method.get("requestModels") or {}).values())
            for response in (method.get("methodResponses") or {}).values():
                used += (response.get("responseModels") or {}).values()
            if name in used:
                raise ConflictException(
                    f"Cannot delete model '{name}', is referenced in method request: {resource['path']}/{http_method}"
                )
    del document["models"][name]


def add_validator(document: Document, given: Mapping[str, Any]) -> Document:
    validator = {
        "id": ids.new_part_id(),
        "validateRequestBody": False,
        "validateRequestParameters": False,
        **given,
    }
    document["validators"][validator["id"]] = validator
    return validator


def validator_of(document: Document, validator_id: str) -> Document:
    return part_of(document, "validators", validator_id, "Invalid Request Validator identifier specified")


def update_validator(document: Document, validator_id: str, operations: Operations) -> Document:
    validator = validator_of(document, validator_id)
    patches.apply(validator, operations, _VALIDATOR)
    return validator


def remove_validator(document: Document, validator_id: str) -> None:
    validator_of(document, validator_id)
    _require_unused(document, "requestValidatorId", validator_id, "request validator")
    del document["validators"][validator_id]


def add_authorizer(document: Document, given: Mapping[str, Any]) -> Document:
    if len(document["authorizers"]) >= MAX_AUTHORIZERS:
        raise LimitExceededException(f"Maximum number of authorizers for this API has been reached: {MAX_AUTHORIZERS}.")
    if any(known["name"] == given["name"] for known in document["authorizers"].values()):
        raise ConflictException(
            "Authorizer name must be unique. Authorizer " + given["name"] + " already exists in this RestApi."
        )
    authorizer = {"id": ids.new_part_id(), "authType": "custom", "authorizerResultTtlInSeconds": 300, **given}
    check_authorizer(authorizer)
    document["authorizers"][authorizer["id"]] = authorizer
    return authorizer


def check_authorizer(authorizer: Mapping[str, Any]) -> None:
    kind, ttl = authorizer.get("type"), authorizer.get("authorizerResultTtlInSeconds", 300)
    if kind == "COGNITO_USER_POOLS":
        raise NotBuiltError("Authorizers of Cognito user pools are not there yet in Stoker.")
    if kind not in ("TOKEN", "REQUEST"):
        raise BadRequestException(f"Invalid authorizer type specified: {kind}")
    if function_arn(authorizer.get("authorizerUri") or "") is None:
        raise BadRequestException(
            "Invalid Authorizer URI: " + (authorizer.get("authorizerUri") or "null") + ". Authorizer URI should be a "
            "valid API Gateway ARN that represents a Lambda function invocation."
        )
    if not 0 <= ttl <= MAX_TTL_S:
        raise BadRequestException("Authorizer result TTL value must be between 0 and 3600 seconds.")
    try:
        Pattern(authorizer.get("identityValidationExpression") or "")
    except PatternError:
        raise BadRequestException("Invalid identity validation expression specified.") from None
    source = authorizer.get("identitySource") or ""
    if kind == "TOKEN" and not re.fullmatch(r"method\.request\.header\.[^,\s]+", source):
        raise BadRequestException(
            "Authorizer type TOKEN requires a header as its identity source: method.request.header.NAME"
        )
    if kind == "REQUEST" and ttl > 0 and not source:
        raise BadRequestException("Identity source is required when caching is enabled for a REQUEST authorizer.")


def authorizer_of(document: Document, authorizer_id: str) -> Document:
    return part_of(document, "authorizers", authorizer_id, "Invalid Authorizer identifier specified")


def update_authorizer(document: Document, authorizer_id: str, operations: Operations) -> Document:
    authorizer = authorizer_of(document, authorizer_id)
    patches.apply(authorizer, operations, _AUTHORIZER)
    check_authorizer(authorizer)
    return authorizer


def remove_authorizer(document: Document, authorizer_id: str) -> None:
    authorizer_of(document, authorizer_id)
    _require_unused(document, "authorizerId", authorizer_id, "authorizer")
    del document["authorizers"][authorizer_id]


def _require_unused(document: Document, member: str, part_id: str, what: str) -> None:
    for resource in document["resources"].values():
        for http_method, method in resource["resourceMethods"].items():
            if method.get(member) == part_id:
                raise ConflictException(f"Cannot delete {what}, it is referenced by {resource['path']} {http_method}")


def put_gateway_response(document: Document, kind: str, given: Mapping[str, Any]) -> Document:
    _require_kind(kind)
    _check_gateway_response(given)
    document["gatewayResponses"][kind] = dict(given)
    return shown(document, kind)


def gateway_response_of(document: Document, kind: str) -> Document:
    _require_kind(kind)
    return shown(document, kind)


def update_gateway_response(document: Document, kind: str, operations: Operations) -> Document:
    """Patched on top of what is shown; a default one becomes one of the API's own."""
    _require_kind(kind)
    response = shown(document, kind)
    patches.apply(response, operations, _GATEWAY_RESPONSE)
    return put_gateway_response(
        document, kind, {key: it for key, it in response.items() if key not in ("responseType", "defaultResponse")}
    )


def remove_gateway_response(document: Document, kind: str) -> None:
    _require_kind(kind)
    if kind not in document["gatewayResponses"]:
        raise NotFoundException("Gateway response type not defined on api")
    del document["gatewayResponses"][kind]


def _require_kind(kind: str) -> None:
    if kind not in DEFAULTS:
        raise BadRequestException(f"Invalid gateway response type specified: {json.dumps(kind)}")


def _check_gateway_response(given: Mapping[str, Any]) -> None:
    status = given.get("statusCode")
    if status is not None and re.fullmatch(r"[1-5]\d\d", status) is None:
        raise BadRequestException("Invalid status code specified")
    for place in given.get("responseParameters") or {}:
        if not place.startswith(_HEADER) or not is_name(place.removeprefix(_HEADER)):
            raise BadRequestException(f"Invalid parameter mapping specified: {place}")
