"""How large a request may be. Source: Lambda's quotas, CloudWatch's service quotas."""

from dataclasses import dataclass

from stoker.wire.errors import RequestEntityTooLargeException

DEFAULT_BYTES = 16 * 1024 * 1024
INVOKE_BYTES = 6_291_456
CODE_BYTES = 70_167_211
METRIC_DATA_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class BodyLimit:
    """The most bytes that an operation's body may have, and what AWS calls the operation when it refuses."""

    most: int
    action: str

    def check(self, size: int) -> None:
        if size > self.most:
            raise RequestEntityTooLargeException(
                f"Request must be smaller than {self.most} bytes for the {self.action} operation"
            )


_LIMITS = {
    ("lambda", "Invoke"): BodyLimit(most=INVOKE_BYTES, action="InvokeFunction"),
    ("lambda", "InvokeWithResponseStream"): BodyLimit(most=INVOKE_BYTES, action="InvokeWithResponseStream"),
    ("lambda", "CreateFunction"): BodyLimit(most=CODE_BYTES, action="CreateFunction"),
    ("lambda", "UpdateFunctionCode"): BodyLimit(most=CODE_BYTES, action="UpdateFunctionCode"),
    ("lambda", "PublishLayerVersion"): BodyLimit(most=CODE_BYTES, action="PublishLayerVersion"),
    # Its quota of 1 MB, as sent; unpacked it may be larger.
    ("cloudwatch", "PutMetricData"): BodyLimit(most=METRIC_DATA_BYTES, action="PutMetricData"),
}


def body_limit(service: str, operation: str) -> BodyLimit:
    """The limit of one operation."""
    return _LIMITS.get((service, operation)) or BodyLimit(most=DEFAULT_BYTES, action=operation or service)
