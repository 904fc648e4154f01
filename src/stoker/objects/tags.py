"""Tags of objects and buckets. Pure. Source: "Object tagging" and "Tag restrictions" in the S3 user guide."""

import re
from collections.abc import Iterable, Mapping

from stoker.objects.errors import BadRequest, InvalidTag

MAX_OBJECT_TAGS, MAX_BUCKET_TAGS = 10, 50
_MAX_KEY, _MAX_VALUE = 128, 256
_TEXT = re.compile(r"[\w\s+\-=._:/@]*")


def check_tags(pairs: Iterable[tuple[str, str]], most: int = MAX_OBJECT_TAGS) -> Mapping[str, str]:
    """The tags as a mapping; raises InvalidTag or BadRequest."""
    tags: dict[str, str] = {}
    for key, value in pairs:
        if key in tags:
            raise InvalidTag("Cannot provide multiple Tags with the same key", TagKey=key)
        if not 0 < len(key) <= _MAX_KEY or _TEXT.fullmatch(key) is None:
            raise InvalidTag("The TagKey you have provided is invalid", TagKey=key)
        if key.lower().startswith("aws:"):
            raise InvalidTag("System tags cannot be added/updated by requester", TagKey=key)
        if len(value) > _MAX_VALUE or _TEXT.fullmatch(value) is None:
            raise InvalidTag("The TagValue you have provided is invalid", TagKey=key, TagValue=value)
        tags[key] = value
    if len(tags) > most:
        what = "Object" if most == MAX_OBJECT_TAGS else "Bucket"
        raise BadRequest(f"{what} tags cannot be greater than {most}")
    return tags
