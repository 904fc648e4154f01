"""Security definitions of an OpenAPI document: API keys, signatures and authorizers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.apis import ids
from stoker.apis.errors import BadRequestException
from stoker.apis.rest.documents import Document
from stoker.apis.rest.openapi_reading import OpenApi
from stoker.apis.rest.parts import check_authorizer


@dataclass(frozen=True, kw_only=True)
class Security:
    """Which names stand for what; `default` is what holds for operations that say nothing."""

    keys: frozenset[str]
    signatures: frozenset[str]
    authorizers: Mapping[str, str]
    default: list[Mapping[str, Any]]

    def of_operation(self, operation: Mapping[str, Any]) -> Document:
        """The members of the operation's method."""
        method: Document = {"authorizationType": "NONE", "apiKeyRequired": False}
        auth = (operation.get("x-amazon-apigateway-auth") or {}).get("type", "")
        if auth.upper() == "AWS_IAM":
            method["authorizationType"] = "AWS_IAM"
        for requirement in operation.get("security", self.default):
            for name in requirement:
                if name in self.keys:
                    method["apiKeyRequired"] = True
                elif name in self.signatures:
                    method["authorizationType"] = "AWS_IAM"
                elif name in self.authorizers:
                    method |= {"authorizationType": "CUSTOM", "authorizerId": self.authorizers[name]}
                else:
                    raise BadRequestException(f"Security definition {name} is not supported.")
        return method


def read_security(document: Document, source: OpenApi, *, overwrite: bool) -> Security:
    """The document's definitions; authorizers become the API's, and those of a known name keep their id."""
    known = {authorizer["name"]: authorizer["id"] for authorizer in document["authorizers"].values()}
    if overwrite:
        document["authorizers"] = {}
    keys, signatures, authorizers = set[str](), set[str](), dict[str, str]()
    for name, scheme in source.security_schemes.items():
        given = scheme.get("x-amazon-apigateway-authorizer")
        if given is not None:
            authorizer = _authorizer(name, scheme, given, known.get(name) or ids.new_part_id())
            check_authorizer(authorizer)
            document["authorizers"][authorizer["id"]] = authorizer
            authorizers[name] = authorizer["id"]
        elif scheme.get("x-amazon-apigateway-authtype", "").lower() == "awssigv4":
            signatures.add(name)
        elif scheme.get("type") == "apiKey":
            keys.add(name)
    return Security(
        keys=frozenset(keys),
        signatures=frozenset(signatures),
        authorizers=authorizers,
        default=list(source.document.get("security") or []),
    )


def _authorizer(name: str, scheme: Mapping[str, Any], given: Mapping[str, Any], authorizer_id: str) -> Document:
    kind = str(given.get("type", "")).upper()
    source = given.get("identitySource")
    if kind == "TOKEN" and not source:
        source = f"method.request.header.{scheme.get('name', 'Authorization')}"
    members = {
        "authorizerUri": given.get("authorizerUri"),
        "authorizerCredentials": given.get("authorizerCredentials"),
        "identitySource": source,
        "identityValidationExpression": given.get("identityValidationExpression"),
    }
    return {
        "id": authorizer_id,
        "name": name,
        "type": kind,
        "authType": scheme.get("x-amazon-apigateway-authtype", "custom"),
        "authorizerResultTtlInSeconds": int(given.get("authorizerResultTtlInSeconds", 300)),
        **{key: value for key, value in members.items() if value is not None},
    }
