"""Where a stream's mapping may send what it gives up: a queue, a topic or a bucket that its function's role may use.

Source: "Retain records of discarded batches" in the Lambda Developer Guide, and what Lambda answers.
"""

from collections.abc import Awaitable, Callable

from stoker.event_sources.mapping import Mapping
from stoker.model.errors import InvalidParameterValueException

RoleMay = Callable[[str, str, str], Awaitable[bool]]
"""Takes a role's ARN, an IAM action and a resource's ARN."""
# By the service in the destination's ARN: the action, and the service's name in AWS's message.
_CALLS = {"s3": ("PutObject", "S3"), "sns": ("Publish", "SNS"), "sqs": ("SendMessage", "SQS")}
FIFO_SUFFIX = ".fifo"


async def check_destination(mapping: Mapping, role_arn: str, role_may: RoleMay) -> None:
    """Raises InvalidParameterValueException."""
    arn = mapping.options.on_failure
    if arn is None:
        return
    parts = arn.split(":", 5)
    call = _CALLS.get(parts[2]) if len(parts) == 6 and parts[0] == "arn" else None
    if call is None:
        raise _invalid(
            "The provided destination config DestinationConfig(onSuccess=null, "
            f"onFailure=OnFailure(destination={arn})) is invalid."
        )
    here = ["", ""] if parts[2] == "s3" else [mapping.function.region, mapping.function.account]
    if parts[3:5] != here or not parts[5] or arn.endswith(FIFO_SUFFIX):
        raise _invalid(f"The destination ARN {arn} is invalid.")
    action, label = call
    if not await role_may(role_arn, f"{parts[2]}:{action}", f"{arn}/*" if parts[2] == "s3" else arn):
        raise _invalid(f"The provided execution role does not have permissions to call {action} on {label}")


def _invalid(text: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(text, Type="User")
