"""JSON Web Tokens of requests: whether an authorizer and a route take them.

Source: "Control access to HTTP APIs with JWT authorizers" in the API Gateway Developer Guide.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.apis.http.compiled import Authorizer
from stoker.apis.http.key_sets import KeySets, KeysUnavailableError
from stoker.apis.http.refusal import forbidden, unauthorized
from stoker.model.clock import Clock
from stoker.wire.json_web_tokens import TokenError, opened, verified_claims

Claims = Mapping[str, Any]
# API Gateway takes RSA's only.
ALGORITHMS = ("RS256", "RS384", "RS512")


class Tokens:
    """Checks tokens against the keys of their issuers."""

    def __init__(self, keys: KeySets, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Tokens by {self._keys!r}>"

    async def check(self, value: str | None, authorizer: Authorizer, scopes: Sequence[str]) -> Claims:
        """The token's claims. Raises RefusedError: 401 if it is no good, 403 if it has none of the route's scopes."""
        token = _bare(value)
        if not token:
            raise unauthorized("there is no token", "Bearer")
        claims = await self._verified(token, authorizer)
        wrong = _wrong(claims, authorizer, self._clock.time())
        if wrong:
            raise _invalid(wrong)
        if scopes and not set(scopes) & set(scopes_of(claims)):
            wanted = " ".join(scopes)
            raise forbidden(
                "the token has none of the route's scopes",
                f'Bearer scope="{wanted}" error="insufficient_scope" '
                'error_description="the token does not have sufficient scopes"',
            )
        return claims

    async def _verified(self, token: str, authorizer: Authorizer) -> Claims:
        try:
            header, _ = opened(token)
        except TokenError as error:
            raise _invalid(str(error)) from None
        if header.get("alg") not in ALGORITHMS:
            raise _invalid("the token's algorithm is not supported")
        try:
            keys = await self._keys.of(authorizer.issuer, header.get("kid"))
        except KeysUnavailableError as error:
            raise unauthorized(
                str(error),
                'Bearer scope="" error="invalid_token" error_description="OIDC discovery endpoint communication error"',
            ) from error
        try:
            return verified_claims(token, keys, ALGORITHMS)
        except TokenError as error:
            raise _invalid(str(error)) from None


def scopes_of(claims: Claims) -> Sequence[str]:
    """What the token is for: `scope`, or `scp`, as a list or with blanks between."""
    found = claims.get("scope", claims.get("scp", ()))
    return found.split() if isinstance(found, str) else [str(each) for each in found or ()]


def claim_texts(claims: Claims) -> dict[str, str]:
    """Claims as events have them: every value is text."""
    return {name: _text(value) for name, value in claims.items()}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(_text(each) for each in value)}]"
    return json.dumps(value, separators=(",", ":"))


def _bare(value: str | None) -> str:
    scheme, blank, token = (value or "").strip().partition(" ")
    return token.strip() if blank and scheme.lower() == "bearer" else scheme


def _wrong(claims: Claims, authorizer: Authorizer, now: float) -> str:
    """What is wrong with the claims; empty if nothing is."""
    if claims.get("iss") != authorizer.issuer:
        return "the token has an invalid issuer"
    audience = claims.get("aud", claims.get("client_id"))
    audiences = audience if isinstance(audience, list) else [audience]
    if not any(each in authorizer.audience for each in audiences):
        return "the token does not have a valid audience"
    expires, begins = claims.get("exp"), [claims.get(name, 0) for name in ("nbf", "iat")]
    if not isinstance(expires, int | float) or expires <= now:
        return "the token has expired"
    if not all(isinstance(each, int | float) and each <= now for each in begins):
        return "the token is not valid yet"
    return ""


def _invalid(description: str) -> Exception:
    challenge = f'Bearer scope="" error="invalid_token" error_description="{description}"'
    return unauthorized(description, challenge)
