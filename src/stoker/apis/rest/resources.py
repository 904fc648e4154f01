"""An API's resources: a tree of path parts. Pure, on its document."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.apis import ids
from stoker.apis.errors import BadRequestException, ConflictException
from stoker.apis.rest import patches
from stoker.apis.rest.documents import Document, resource_of
from stoker.apis.rest.errors import LimitExceededException

MAX_RESOURCES = 300
"""Source: "API Gateway quotas for configuring and running a REST API"."""

PATCHABLE = patches.Patchable(members={"pathPart": patches.text, "parentId": patches.text})
_PART = re.compile(r"[a-zA-Z0-9._:~$@%!,'()*+;=&-]+|\{[a-zA-Z0-9._:-]+\+?\}")


def add_resource(document: Document, parent_id: str, path_part: str) -> Document:
    """A new resource below another."""
    if len(document["resources"]) >= MAX_RESOURCES:
        raise LimitExceededException(f"Maximum number of resources for this API has been reached: {MAX_RESOURCES}.")
    resource: Document = {"id": ids.new_part_id(), "parentId": parent_id, "pathPart": path_part, "resourceMethods": {}}
    _place(document, resource)
    document["resources"][resource["id"]] = resource
    return resource


def update_resource(document: Document, resource_id: str, operations: Sequence[Mapping[str, Any]]) -> Document:
    resource = resource_of(document, resource_id)
    if "parentId" not in resource:
        raise BadRequestException("Root resource cannot be updated.")
    patches.apply(resource, operations, PATCHABLE)
    if resource["parentId"] in _below(document, resource_id):
        raise BadRequestException("A resource cannot be below itself.")
    _place(document, resource)
    for each in _below(document, resource_id)[1:]:
        _set_path(document, document["resources"][each])
    return resource


def remove_resource(document: Document, resource_id: str) -> None:
    """Remove a resource with all that is below it."""
    if "parentId" not in resource_of(document, resource_id):
        raise BadRequestException("Root resource cannot be removed.")
    for each in _below(document, resource_id):
        del document["resources"][each]


def resource_at(document: Document, path: str) -> Document:
    """The resource of a path; it is made, with those above it, where it is not there yet."""
    found: Document = document["resources"][document["api"]["rootResourceId"]]
    for part in (part for part in path.split("/") if part):
        below = document["resources"].values()
        known = next((it for it in below if it.get("parentId") == found["id"] and it["pathPart"] == part), None)
        found = known or add_resource(document, found["id"], part)
    return found


def _place(document: Document, resource: Document) -> None:
    """Check that a resource may be where it says to be, and give it its path."""
    path_part, parent = resource["pathPart"], resource_of(document, resource["parentId"])
    if _PART.fullmatch(path_part) is None:
        raise BadRequestException(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the "
            "beginning and the end."
        )
    if parent.get("pathPart", "").endswith("+}"):
        raise BadRequestException(
            f"Cannot create a child of a resource with a greedy path variable: {parent['pathPart']}"
        )
    for other in document["resources"].values():
        if other.get("parentId") != parent["id"] or other["id"] == resource["id"]:
            continue
        if other["pathPart"] == path_part:
            raise ConflictException(f"Another resource with the same parent already has this name: {path_part}")
        if _kind(path_part) and _kind(other["pathPart"]) == _kind(path_part):
            raise BadRequestException(
                f"A sibling ({other['pathPart']}) of this resource already has a variable path part -- only one is "
                "allowed"
            )
    _set_path(document, resource)


def _kind(path_part: str) -> str:
    """Of each kind of variable there is one beside each other: `{x}` and `{x+}`."""
    if not path_part.startswith("{"):
        return ""
    return "greedy" if path_part.endswith("+}") else "variable"


def _set_path(document: Document, resource: Document) -> None:
    parent = document["resources"][resource["parentId"]]
    resource["path"] = f"{parent['path'].rstrip('/')}/{resource['pathPart']}"


def _below(document: Document, resource_id: str) -> list[str]:
    """A resource and all below it, those above first."""
    found = [resource_id]
    for each in found:
        found += [it["id"] for it in document["resources"].values() if it.get("parentId") == each]
    return found
