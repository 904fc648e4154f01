"""Objects as functions' code: read for Lambda, with the rights of its caller and in its words."""

from stoker.functions.code_objects import CodeObject
from stoker.functions.packages import PackageTooLargeError
from stoker.identity.authority import Authority
from stoker.identity.callers import Caller
from stoker.model.errors import AccessDeniedException, InvalidParameterValueException
from stoker.model.limits import MAX_UNZIPPED_BYTES
from stoker.objects.buckets import Buckets
from stoker.objects.errors import S3Error
from stoker.objects.objects import Objects
from stoker.wire.message import Call


class CodeReader:
    """Reads an object as its caller could with GetObject."""

    def __init__(self, buckets: Buckets, objects: Objects, authority: Authority) -> None:
        self._buckets = buckets
        self._objects = objects
        self._authority = authority

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
        authority, caller = self._authority, call.principal
        if authority.exempts(caller):
            return
        action = "s3:GetObject" if wanted.version is None else "s3:GetObjectVersion"
        arn = f"arn:aws:s3:::{wanted.bucket}/{wanted.key}"
        policies = authority.policies_of(caller)
        facts = authority.circumstances(
            Caller.of(caller, policies.arn, policies.tags), call.region, source_ip=call.source_ip
        )
        decision, _ = authority.decide(policies, await authority.policy_of("s3", arn), action, arn, facts)
        if not decision.allowed:
            raise AccessDeniedException(
                "Your access has been denied by S3, please make sure your request credentials have permission to "
                f"GetObject for {wanted.bucket}/{wanted.key}. S3 Error Code: AccessDenied. S3 Error Message: Access "
                "Denied"
            )


def _refused(code: str, message: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(
        f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}"
    )
