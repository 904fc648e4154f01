"""Policy documents: JSON text to values, or MalformedPolicyDocument with the reason."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from stoker.model.errors import ServiceError


class DocumentKind(Enum):
    """What a document is attached to. A principal's own name no Principal, a role's trust policy no Resource."""

    IDENTITY = "identity"
    TRUST = "trust"
    RESOURCE = "resource"


class MalformedPolicyDocumentError(ServiceError):
    """Syntax errors in policy."""

    code = "MalformedPolicyDocument"
    status = 400


# Compared by identity: decisions are remembered by it.
@dataclass(frozen=True, kw_only=True, eq=False)
class Document:
    """A policy, parsed and checked."""

    kind: DocumentKind
    version: str
    statements: Sequence[Mapping[str, Any]]


def parse_document(text: str, kind: DocumentKind) -> Document:
    """The document of a policy's JSON; raises MalformedPolicyDocumentError with AWS's reason.

    Up to some milliseconds for a policy of the largest size: in a thread where that matters.
    """
    try:
        document = json.loads(text)
    except ValueError:
        raise MalformedPolicyDocumentError() from None
    if not isinstance(document, dict):
        raise MalformedPolicyDocumentError()
    statements = document.get("Statement", [])
    return Document(
        kind=kind,
        version=document.get("Version", "2008-10-17"),
        statements=statements if isinstance(statements, list) else [statements],
    )
