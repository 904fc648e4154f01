"""Media types, as requests and APIs name them. Pure."""


def media_type(text: str) -> str:
    """Without its parameters, in lower case."""
    return text.partition(";")[0].strip().lower()


def accepted(header: str | None) -> list[str]:
    """The media types of an Accept header, in its order."""
    return [media_type(part) for part in (header or "").split(",") if part.strip()]
