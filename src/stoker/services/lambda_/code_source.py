"""Where the code of a function or a layer comes from: it is sent along, or fetched from S3."""

from collections.abc import Mapping
from typing import Any

from stoker.functions.code_objects import CodeObject, CodeObjects
from stoker.model.errors import InvalidParameterValueException, RequestEntityTooLargeException
from stoker.model.limits import MAX_ZIPPED_BYTES
from stoker.wire.message import Call

_S3 = ("S3Bucket", "S3Key", "S3ObjectVersion")


class CodeSource:
    """Gets the zip that a call means. `kind` is `function code` or `layer content`, for what AWS says."""

    def __init__(self, objects: CodeObjects, kind: str) -> None:
        self._objects = objects
        self._kind = kind

    async def zip_of(self, call: Call, given: Mapping[str, Any]) -> bytes:
        """The zip; `given` has the members ZipFile, or S3Bucket, S3Key and S3ObjectVersion."""
        data: bytes | None = given.get("ZipFile")
        named = [name for name in _S3 if given.get(name)]
        if data is not None:
            if named:
                raise InvalidParameterValueException(
                    "Please do not provide other FunctionCode parameters when providing a ZipFile."
                )
            if len(data) > MAX_ZIPPED_BYTES:
                raise RequestEntityTooLargeException(f"Zipped size must be smaller than {MAX_ZIPPED_BYTES} bytes")
            return data
        if "S3Bucket" not in named or "S3Key" not in named:
            raise InvalidParameterValueException(f"Please provide a source for {self._kind}.")
        wanted = CodeObject(bucket=given["S3Bucket"], key=given["S3Key"], version=given.get("S3ObjectVersion"))
        return await self._objects.read(wanted, call)
