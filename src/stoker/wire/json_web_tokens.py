"""JSON Web Tokens and the keys that sign them, by joserfc, which is loaded when the first token comes.

Most Stokers never see one, and the library takes 4 MB. Sources: RFC 7515, 7517, 7519.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from joserfc.jwk import KeySet


class TokenError(Exception):
    """A token or a set of keys that is not what it says it is."""


def read_keys(document: Mapping[str, Any]) -> "KeySet":
    """The keys of a JWKS. Raises TokenError."""
    from joserfc.jwk import KeySet

    try:
        return KeySet.import_key_set(document)  # type: ignore[arg-type]
    except Exception as error:
        # Whatever the library makes of a stranger's document: it has no keys.
        raise TokenError(f"the key set cannot be read: {error}") from error


def opened(token: str) -> tuple[Mapping[str, Any], bytes]:
    """A token's header and payload, which nobody has verified yet. Raises TokenError."""
    from joserfc import jws
    from joserfc.errors import JoseError

    try:
        found = jws.extract_compact(token.encode())
        return found.headers(), found.payload
    except (JoseError, ValueError, RecursionError) as error:
        raise TokenError("the token is not a JSON Web Token") from error


def verified_claims(token: str, keys: "KeySet", algorithms: Sequence[str]) -> Mapping[str, Any]:
    """What a token says that one of these keys signed. Raises TokenError."""
    from joserfc import jwt
    from joserfc.errors import JoseError

    try:
        return jwt.decode(token, keys, algorithms=list(algorithms)).claims
    except (JoseError, ValueError, RecursionError) as error:
        raise TokenError("the token's signature is invalid") from error
