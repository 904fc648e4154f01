"""Routes: which requests, or messages, go to which integration, and who may send them."""

from stoker.apis.errors import BadRequestException, ConflictException
from stoker.apis.http.draft import AUTHORIZER, HTTP, INTEGRATION, ROUTE, ROUTE_RESPONSE, Document, Draft
from stoker.apis.http.parts import PartKind
from stoker.apis.http.route_key import parse_route_key
from stoker.model.errors import NotBuiltError

TARGET_PREFIX = "integrations/"
MAX_ROUTES = 300
CONNECT, DISCONNECT = "$connect", "$disconnect"
_OF_AUTHORIZER = {"JWT": "JWT", "CUSTOM": "REQUEST"}
_MEMBERS = (
    "ApiKeyRequired",
    "AuthorizationScopes",
    "AuthorizationType",
    "AuthorizerId",
    "ModelSelectionExpression",
    "OperationName",
    "RequestModels",
    "RequestParameters",
    "RouteKey",
    "RouteResponseSelectionExpression",
    "Target",
)


def _check(draft: Draft, route: Document, before: Document | None) -> Document:
    if before is None and len(draft.all(ROUTE)) >= MAX_ROUTES:
        raise BadRequestException(f"An API has at most {MAX_ROUTES} routes.")
    route = {"ApiKeyRequired": False, "AuthorizationType": "NONE", **route}
    key = route["RouteKey"]
    if draft.protocol == HTTP:
        parse_route_key(key)
    if any(other["RouteId"] != route["RouteId"] for other in draft.where(ROUTE, RouteKey=key)):
        raise ConflictException(f"Route with key {key} already exists for this API")
    _check_built(draft, route)
    _check_authorization(draft, route)
    target = route.get("Target")
    if target is not None:
        if not target.startswith(TARGET_PREFIX):
            raise BadRequestException(f"Invalid target: {target}. It should be integrations/<IntegrationId>.")
        draft.require(INTEGRATION, target.removeprefix(TARGET_PREFIX))
    return route


def _check_built(draft: Draft, route: Document) -> None:
    if route.get("RequestModels") or route.get("ModelSelectionExpression"):
        raise NotBuiltError("Models of WebSocket routes are not there yet in Stoker.")
    if route["ApiKeyRequired"]:
        raise NotBuiltError("API keys for WebSocket APIs are not there yet in Stoker.")
    if draft.protocol == HTTP and route.get("RouteResponseSelectionExpression"):
        raise BadRequestException("RouteResponseSelectionExpression is not supported for HTTP protocol APIs")
    if route.get("RouteResponseSelectionExpression") not in (None, "$default"):
        raise BadRequestException("The only RouteResponseSelectionExpression is $default.")
    if route.get("RequestParameters"):
        raise NotBuiltError("Required parameters of routes are not there yet in Stoker.")


def _check_authorization(draft: Draft, route: Document) -> None:
    kind = route["AuthorizationType"]
    if draft.protocol != HTTP and kind != "NONE" and route["RouteKey"] != CONNECT:
        raise BadRequestException("Currently, authorization is restricted to the $connect route only")
    if route.get("AuthorizationScopes") and kind != "JWT":
        raise BadRequestException("Scopes are only supported for JWT authorization.")
    if kind not in _OF_AUTHORIZER:
        route.pop("AuthorizerId", None)
        return
    authorizer = draft.find(AUTHORIZER, route.get("AuthorizerId", ""))
    if authorizer is None or authorizer["AuthorizerType"] != _OF_AUTHORIZER[kind]:
        raise BadRequestException(f"{kind} authorization requires an authorizer of type {_OF_AUTHORIZER[kind]}.")


def _forget(draft: Draft, route: Document) -> None:
    for response in draft.where(ROUTE_RESPONSE, RouteId=route["RouteId"]):
        draft.drop(ROUTE_RESPONSE, response["RouteResponseId"])


ROUTES = PartKind(name=ROUTE, id_member="RouteId", members=_MEMBERS, check=_check, forget=_forget)


def _check_response(draft: Draft, response: Document, before: Document | None) -> Document:
    draft.require(ROUTE, response["RouteId"])
    if response["RouteResponseKey"] != "$default":
        raise BadRequestException("The only RouteResponseKey is $default.")
    if any(response.get(name) for name in ("ResponseModels", "ResponseParameters", "ModelSelectionExpression")):
        raise NotBuiltError("Models and parameters of route responses are not there yet in Stoker.")
    if before is None and draft.where(ROUTE_RESPONSE, RouteId=response["RouteId"]):
        raise ConflictException("The route has a response already.")
    return response


ROUTE_RESPONSES = PartKind(
    name=ROUTE_RESPONSE,
    id_member="RouteResponseId",
    members=("ModelSelectionExpression", "ResponseModels", "ResponseParameters", "RouteResponseKey"),
    check=_check_response,
    parent="RouteId",
)
