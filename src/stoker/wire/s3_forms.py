"""Forms in which browsers send a file to a bucket: multipart/form-data, read while it comes. Sans-I/O.

Fields come first and are held; of the file nothing is. Source: RFC 7578, and "POST Object" in the API reference of
Amazon S3.
"""

import re
from collections.abc import Callable, Mapping
from email.message import Message
from urllib.parse import unquote

from stoker.model.errors import ServiceError

CONTENT_TYPE = "multipart/form-data"
MAX_FIELD_BYTES = 20 * 1024
"""Of all that comes before the file."""
_MAX_HEAD_BYTES = 8 * 1024
_DISPOSITION = re.compile(r';\s*(name|filename)=(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE)
_FILE = "file"


class MalformedFormError(ServiceError):
    """The body of your POST request is not well-formed multipart/form-data."""

    code = "MalformedPOSTRequest"
    status = 400


class FieldsTooLongError(ServiceError):
    """Your POST request fields preceding the upload file were too large."""

    code = "MaxPostPreDataLengthExceeded"
    status = 400


class FormReader:
    """Takes a body in pieces of any size. `fields` (names in lower case) and `filename` are known once `in_file`.

    What comes after the file is passed over, as S3 does it.
    """

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        # As if something came before the first delimiter, which is then like all others.
        self._held = b"\r\n"
        self._read: Callable[[], bytes | None] = self._read_until_part
        self._name = ""
        self._field_bytes = 0
        self.fields: dict[str, str] = {}
        self.filename = ""
        self.in_file = False
        self.is_complete = False

    def __repr__(self) -> str:
        state = "complete" if self.is_complete else "in the file" if self.in_file else "in the fields"
        return f"<FormReader {len(self.fields)} fields, {state}>"

    @classmethod
    def of(cls, content_type: str) -> "FormReader":
        """For a body of this type, which names the boundary; raises MalformedFormError."""
        header = Message()
        header["content-type"] = content_type
        boundary = header.get_param("boundary")
        if not isinstance(boundary, str) or not 0 < len(boundary) <= 70:
            raise MalformedFormError()
        return cls(boundary.encode("latin-1", errors="replace"))

    def feed(self, data: bytes) -> bytes:
        """What the next piece has of the file; raises MalformedFormError and FieldsTooLongError."""
        self._held += data
        found = []
        while not self.is_complete and (piece := self._read()) is not None:
            found.append(piece)
        if not self.in_file and self._field_bytes + len(self._held) > MAX_FIELD_BYTES + _MAX_HEAD_BYTES:
            raise FieldsTooLongError()
        return b"".join(found)

    def _read_until_part(self) -> bytes | None:
        """Past a delimiter. Each of these gives None while it has to wait for more."""
        _, found, rest = self._held.partition(self._delimiter)
        if not found or len(rest) < 2:
            return None
        if not rest.startswith(b"\r\n"):
            # The last delimiter, or none: there was no file.
            raise MalformedFormError()
        self._held, self._read = rest[2:], self._read_head
        return b""

    def _read_head(self) -> bytes | None:
        head, found, rest = self._held.partition(b"\r\n\r\n")
        if len(head) > _MAX_HEAD_BYTES:
            raise MalformedFormError()
        if not found:
            return None
        named = _disposition(head.decode(errors="replace"))
        if "name" not in named:
            raise MalformedFormError()
        self._name, self._held = named["name"].lower(), rest
        self._read = self._read_field
        if self._name == _FILE:
            self.filename = re.split(r"[/\\]", named.get("filename", ""))[-1]
            self.in_file, self._read = True, self._read_file
        return b""

    def _read_field(self) -> bytes | None:
        value, found, rest = self._held.partition(self._delimiter)
        if not found:
            return None
        self._field_bytes += len(self._name) + len(value)
        if self._field_bytes > MAX_FIELD_BYTES:
            raise FieldsTooLongError()
        self.fields[self._name] = value.decode(errors="replace")
        self._held, self._read = self._delimiter + rest, self._read_until_part
        return b""

    def _read_file(self) -> bytes | None:
        piece, found, _ = self._held.partition(self._delimiter)
        if found:
            self.is_complete, self._held = True, b""
            return piece
        sure = len(self._held) - len(self._delimiter) + 1
        if sure <= 0:
            return None
        piece, self._held = self._held[:sure], self._held[sure:]
        return piece


def _disposition(head: str) -> Mapping[str, str]:
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            found = _DISPOSITION.finditer(value)
            # Browsers write the few characters that would end a name as in an address.
            return {each[1].lower(): unquote(each[2] or each[3] or "") for each in found}
    return {}
