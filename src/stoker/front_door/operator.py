"""Pages that are the operator's alone: signed with the root key, for the service `stoker`."""

from stoker.model.errors import AccessDeniedException
from stoker.wire.message import Request
from stoker.wire.sigv4 import Verifier

SIGNING_NAME = "stoker"


def require_operator(verifier: Verifier, request: Request, page: str) -> None:
    """Raises what AWS answers to a request that is not signed, or not by the operator. `page` is what it is called."""
    claim = verifier.claim(request)
    verifier.verify(request, claim)
    if claim.scope.service != SIGNING_NAME:
        raise AccessDeniedException(f"The {page} is signed for the service {SIGNING_NAME}.")
    if not claim.principal.is_operator:
        raise AccessDeniedException(f"The {page} is the operator's, not a function's.")
