"""Objects as functions' code: read for Lambda, with the rights of its caller and in its words."""

from stoker.functions.code_objects import CodeObject
from stoker.functions.packages import PackageTooLargeError
from stoker.model.errors import AccessDeniedException, InvalidParameterValueException
from stoker.model.limits import MAX_UNZIPPED_BYTES
from stoker.objects.buckets import Buckets
from stoker.objects.errors import S3Error
from stoker.objects.objects import Objects
from stoker.services.s3.caller_rights import CallerRights
from stoker.wire.message import Call


class CodeReader:
    """Reads an object as its caller could with GetObject."""

    def __init__(self, buckets: Buckets, objects: Objects, rights: CallerRights) -> None:
        self._buckets = buckets
        self._objects = objects
        self._rights = rights

    async def read(self, wanted: CodeObject, call: Call) -> bytes:
        """The object, at most as large as a function's code may be unzipped."""
        try:
            bucket = self._buckets.require(wanted.bucket)
            await self._check(wanted, call)
            if bucket.region != call.region:
                raise _refused(
                    "PermanentRedirect",
                    f"The bucket is in this region: {bucket.region}. Please use this region to retry the request",
                )
            version = await self._objects.find(bucket, wanted.key, wanted.version)
            if version.size > MAX_UNZIPPED_BYTES:
                raise PackageTooLargeError
            body = await self._objects.read(version, 0, version.size)
        except S3Error as error:
            raise _refused(error.code, error.message) from error
        return body if isinstance(body, bytes) else b"".join([piece async for piece in body])

    async def _check(self, wanted: CodeObject, call: Call) -> None:
        action = "s3:GetObject" if wanted.version is None else "s3:GetObjectVersion"
        if not await self._rights.may(call, action, f"arn:aws:s3:::{wanted.bucket}/{wanted.key}"):
            raise AccessDeniedException(
                "Your access has been denied by S3, please make sure your request credentials have permission to "
                f"GetObject for {wanted.bucket}/{wanted.key}. S3 Error Code: AccessDenied. S3 Error Message: Access "
                "Denied"
            )


def _refused(code: str, message: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(
        f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}"
    )
