"""Requests held against what their method requires: parameters, and bodies against models. Pure."""

from stoker.apis.rest.exchange import Exchange
from stoker.apis.rest.gateway_responses import GatewayFault


def check_request(exchange: Exchange) -> None:
    """Raises GatewayFault (400) for a request that is not what its method wants."""
    missing = [name for name in exchange.method.required if not _has(exchange, name)]
    if missing:
        names = ", ".join(name.rpartition(".")[2] for name in missing)
        message = f"Missing required request parameters: [{names}]"
        raise GatewayFault("BAD_REQUEST_PARAMETERS", message, "BadRequestException")
    models = exchange.method.models
    model = models.get(exchange.content_type) or models.get("$default")
    if model is not None and (faults := model.faults(exchange.body)):
        raise GatewayFault(
            "BAD_REQUEST_BODY", "Invalid request body", "BadRequestException", validation=f"[{', '.join(faults)}]"
        )


def _has(exchange: Exchange, name: str) -> bool:
    kind, _, wanted = name.removeprefix("method.request.").partition(".")
    return any(exchange.values(kind, wanted))
