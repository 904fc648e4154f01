"""From the names in a call to the function or layer that is meant."""

from dataclasses import dataclass

from stoker.model.arn import FunctionId, function_arn, layer_arn, parse_function_reference, parse_layer_reference
from stoker.model.errors import (
    AccessDeniedException,
    InvalidParameterValueException,
    ResourceNotFoundException,
    ServiceError,
)
from stoker.wire.message import Call


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """A function and, if the caller named one, the version or alias."""

    function: FunctionId
    qualifier: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LocatedLayer:
    """A layer in the caller's region and, if its name had one, a version."""

    name: str
    version: int | None


def locate(call: Call, member: str = "FunctionName") -> Located:
    """The function that a call names, by `FunctionName` (or another member) and `Qualifier`."""
    text: str = call.params[member]
    qualifier: str | None = call.params.get("Qualifier")
    if ":" not in text:
        return Located(function=_in_account(call, text), qualifier=qualifier)
    reference = parse_function_reference(text)
    if reference is None:
        raise ResourceNotFoundException(f"Function not found: {text}")
    _check_region("Functions", reference.region, call.region)
    if reference.account not in (None, call.account):
        raise _foreign(call, function_arn(call.region, str(reference.account), reference.name, reference.qualifier))
    if reference.qualifier and qualifier and reference.qualifier != qualifier:
        raise InvalidParameterValueException(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return Located(function=_in_account(call, reference.name), qualifier=qualifier or reference.qualifier)


def locate_layer(call: Call, member: str = "LayerName") -> LocatedLayer:
    """The layer that a call names, by name or ARN."""
    text: str = call.params[member]
    reference = parse_layer_reference(text)
    if reference is None:
        raise ResourceNotFoundException
    _check_region("Layers", reference.region, call.region)
    if reference.account not in (None, call.account):
        raise _foreign(call, layer_arn(call.region, str(reference.account), reference.name, reference.version))
    return LocatedLayer(name=reference.name, version=reference.version)


def _in_account(call: Call, name: str) -> FunctionId:
    return FunctionId(account=call.account, region=call.region, name=name)


def _check_region(what: str, named: str | None, region: str) -> None:
    if named not in (None, region):
        raise ResourceNotFoundException(f"{what} from '{named}' are not reachable in this region ('{region}')")


def _foreign(call: Call, resource: str) -> ServiceError:
    """There is one account here; AWS answers so where no policy of the other account allows for it."""
    action = f"lambda:{'InvokeFunction' if call.operation == 'Invoke' else call.operation}"
    return AccessDeniedException(
        f"User: {call.principal.arn} is not authorized to perform: {action} on resource: {resource} "
        f"because no resource-based policy allows the {action} action"
    )
