"""The text of an OpenAPI document, in JSON or YAML, and what its two versions call alike.

Source: Swagger 2.0 and OpenAPI 3.0 specifications.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stoker.apis.errors import BadRequestException

MAX_BYTES = 6 * 1024 * 1024
# What integrations and authorizers call the role that they are called as.
_ROLES = ("credentials", "authorizerCredentials")


def read_openapi(body: bytes) -> "OpenApi":
    """Raises BadRequestException for what is no OpenAPI document. Up to seconds for the largest: in a thread."""
    if len(body) > MAX_BYTES:
        raise BadRequestException("Invalid OpenAPI input: it is larger than 6 MB.")
    try:
        text = body.decode()
        found = json.loads(text) if text.lstrip().startswith("{") else _read_yaml(text)
    except (ValueError, RecursionError):
        raise BadRequestException("Invalid OpenAPI input.") from None
    if not isinstance(found, dict) or not ("swagger" in found or "openapi" in found):
        raise BadRequestException("Invalid OpenAPI input.")
    return OpenApi(found)


def _read_yaml(text: str) -> Any:
    """YAML without aliases: a few lines of them can stand for gigabytes. Raises ValueError.

    Its reader takes 100 ms to load, and most documents are JSON.
    """
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("aliases are not read")
            return super().compose_node(parent, index)

    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def roles_in(document: Any) -> frozenset[str]:
    """The ARNs of all roles that integrations and authorizers in a document are to be called as."""
    found: set[str] = set()
    rest = [document]
    while rest:
        part = rest.pop()
        if isinstance(part, Mapping):
            found |= {part[name] for name in _ROLES if isinstance(part.get(name), str)}
            rest.extend(part.values())
        elif isinstance(part, list):
            rest.extend(part)
    return frozenset(role for role in found if role.startswith("arn:"))


class OpenApi:
    """A document, of either version."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.is_v3 = "openapi" in document
        self.roles = roles_in(document)
        self._parts: Mapping[str, Any] = (document.get("components") or {}) if self.is_v3 else document

    def __repr__(self) -> str:
        return f"<OpenApi {'3' if self.is_v3 else '2'} {self.title!r}>"

    @property
    def info(self) -> Mapping[str, Any]:
        return self.document.get("info") or {}

    @property
    def title(self) -> str:
        return str(self.info.get("title") or "")

    @property
    def schemas(self) -> Mapping[str, Any]:
        return self._parts.get("schemas" if self.is_v3 else "definitions") or {}

    @property
    def security_schemes(self) -> Mapping[str, Any]:
        return self._parts.get("securitySchemes" if self.is_v3 else "securityDefinitions") or {}

    @property
    def base_path(self) -> str:
        """Without a slash at its end; empty if there is none."""
        path = self.document.get("basePath") or ""
        for server in self.document.get("servers") or () if self.is_v3 else ():
            path = path or ((server.get("variables") or {}).get("basePath") or {}).get("default", "")
        return f"/{path.strip('/')}" if path.strip("/") else ""

    def extension(self, name: str) -> Any:
        """`x-amazon-apigateway-NAME`; None if it is not there."""
        return self.document.get(f"x-amazon-apigateway-{name}")

    def operations(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Path, method in upper case, and the operation with its path's parameters."""
        for path, item in (self.document.get("paths") or {}).items():
            if not isinstance(item, dict):
                raise BadRequestException(f"Invalid OpenAPI input: paths.{path}")
            yield path, "", {}
            for name, operation in item.items():
                method = "ANY" if name == "x-amazon-apigateway-any-method" else name.upper()
                if method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "ANY"):
                    shared = item.get("parameters") or []
                    yield path, method, {**operation, "parameters": [*shared, *(operation.get("parameters") or [])]}

    def parameters(self, operation: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """An operation's parameters, with those that it refers to looked up."""
        for given in operation["parameters"]:
            if "$ref" in given:
                given = (self._parts.get("parameters") or {}).get(given["$ref"].rpartition("/")[2], {})
            if given:
                yield given

    def request_schemas(self, operation: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """What a request's body is like, by its content type."""
        for content_type, media in ((operation.get("requestBody") or {}).get("content") or {}).items():
            if media.get("schema"):
                yield content_type, media["schema"]
        for given in self.parameters(operation):
            if given.get("in") == "body" and given.get("schema"):
                for content_type in operation.get("consumes") or ["application/json"]:
                    yield content_type, given["schema"]

    def response_schemas(
        self, operation: Mapping[str, Any], response: Mapping[str, Any]
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for content_type, media in (response.get("content") or {}).items():
            if media.get("schema"):
                yield content_type, media["schema"]
        if response.get("schema"):
            for content_type in operation.get("produces") or ["application/json"]:
                yield content_type, response["schema"]
