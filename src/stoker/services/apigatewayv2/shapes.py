"""Documents as the API answers them, and pages of lists."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from stoker.apis.errors import BadRequestException
from stoker.apis.http.draft import Document

DEFAULT_PAGE, LARGEST_PAGE = 100, 500
_TIMES = ("CreatedDate", "LastUpdatedDate")


def shown(document: Document) -> dict[str, Any]:
    """A document with its times as times."""
    times = {name: datetime.fromtimestamp(document[name], UTC) for name in _TIMES if name in document}
    return {**document, **times}


def page(documents: Sequence[Document], params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a list that is asked for, and a token for what follows."""
    begin = _begin(params.get("NextToken"))
    size = params.get("MaxResults", str(DEFAULT_PAGE))
    if not size.isdecimal() or not 0 < int(size) <= LARGEST_PAGE:
        raise BadRequestException(f"Invalid maxResults: {size}. It should be from 1 to {LARGEST_PAGE}.")
    end = begin + int(size)
    token = {"NextToken": base64.urlsafe_b64encode(str(end).encode()).decode()} if end < len(documents) else {}
    return {"Items": [shown(each) for each in documents[begin:end]], **token}


def _begin(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError):
        raise BadRequestException("Invalid nextToken.") from None
