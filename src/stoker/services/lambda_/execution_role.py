"""What a function's role has to be allowed when the function is told to send something somewhere."""

from collections.abc import Awaitable, Callable
from typing import Any

from stoker.functions.registry import Registry
from stoker.model.errors import InvalidParameterValueException
from stoker.services.lambda_.naming import Located

# Whether a role may do an IAM action to a resource.
RoleMay = Callable[[str, str, str], Awaitable[bool]]

# By the service in the target's ARN: the action, and the service's name in AWS's message.
_CALLS = {
    "events": ("PutEvents", "EventBridge"),
    "lambda": ("InvokeFunction", "Lambda"),
    "s3": ("PutObject", "S3"),
    "sns": ("Publish", "SNS"),
    "sqs": ("SendMessage", "SQS"),
}


class RoleChecks:
    """Asked when a dead-letter queue or a destination is set; deliveries are checked again when they are made."""

    def __init__(self, registry: Registry, role_may: RoleMay) -> None:
        self._registry = registry
        self._role_may = role_may

    async def may_send(self, role_arn: str, target: str | None) -> None:
        """Raises InvalidParameterValueException if the role may not; what is no such target is for others to refuse."""
        parts = (target or "").split(":", 5)
        call = _CALLS.get(parts[2]) if len(parts) == 6 else None
        if target is None or call is None:
            return
        action, label = call
        resource = f"{target}/*" if parts[2] == "s3" else target
        if not await self._role_may(role_arn, f"{parts[2]}:{action}", resource):
            raise InvalidParameterValueException(
                f"The provided execution role does not have permissions to call {action} on {label}"
            )

    async def may_be_changed(self, located: Located, params: dict[str, Any]) -> None:
        """A function's new dead-letter queue, for its role: a new one, or the one that it has."""
        target = (params.get("DeadLetterConfig") or {}).get("TargetArn")
        if target:
            role = params.get("Role") or await self._role_of(located)
            await self.may_send(role, target)

    async def may_have_destinations(self, located: Located, *targets: str | None) -> None:
        """Destinations of a function's asynchronous events."""
        if any(targets):
            role = await self._role_of(located)
            for target in targets:
                await self.may_send(role, target)

    async def _role_of(self, located: Located) -> str:
        return (await self._registry.get(located.function, located.qualifier)).function.role
