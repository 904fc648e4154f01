"""Who may do what. Until policies exist: the operator everything, a role's session only ask who it is."""

from stoker.model.errors import AccessDeniedException
from stoker.model.principal import Principal
from stoker.wire.message import Call

_OPEN_TO_ALL = frozenset({("sts", "GetCallerIdentity")})
_ACTIONS = {("lambda", "Invoke"): "InvokeFunction"}
"""Where the IAM action has another name than the operation."""


def is_session(principal: Principal) -> bool:
    """Whether the caller is a role's session and not the operator."""
    return principal.arn.split(":")[2] == "sts"


def authorise(call: Call) -> None:
    """Raises AccessDeniedException for a call that its principal may not make."""
    key = (call.service, call.operation)
    if not is_session(call.principal) or key in _OPEN_TO_ALL:
        return
    action = f"{call.service}:{_ACTIONS.get(key, call.operation)}"
    raise AccessDeniedException(
        f"User: {call.principal.arn} is not authorized to perform: {action} on resource: {_resource(call)} "
        f"because no identity-based policy allows the {action} action"
    )


def _resource(call: Call) -> str:
    name = str(call.params.get("FunctionName", ""))
    if call.service != "lambda" or not name:
        return "*"
    prefix = f"arn:aws:lambda:{call.region}:{call.account}:function:"
    return name if name.startswith("arn:") else prefix + name
