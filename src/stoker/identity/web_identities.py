"""Web identities: tokens of OpenID Connect providers, exchanged for credentials of roles that trust them.

Source: "AssumeRoleWithWebIdentity" in the STS API Reference; "Create an OpenID Connect (OIDC) identity provider in
IAM", "Available keys for AWS web identity federation" and "Pass session tags in AWS STS" in the IAM User Guide.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.identity import session_requests, trust
from stoker.identity.callers import Caller, Naming
from stoker.identity.circumstances import Circumstances
from stoker.identity.directory import Directory
from stoker.identity.documents import DocumentKind
from stoker.identity.entities import OidcProvider, Role
from stoker.identity.errors import ExpiredIdentityToken, InvalidIdentityToken
from stoker.identity.session_requests import SessionRequest
from stoker.identity.templates import Context
from stoker.model.errors import AccessDeniedException
from stoker.wire.json_web_tokens import TokenError, opened, verified_claims

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
# How far a provider's clock may be ahead of this one's.
MAX_SKEW_S = 300
_TAGS, _SOURCE_IDENTITY = "https://aws.amazon.com/tags", "https://aws.amazon.com/source_identity"

FindKeys = Callable[[str, str | None], Awaitable["KeySet"]]
"""Takes an issuer's URL and a key's id; raises IDPCommunicationError."""


@dataclass(frozen=True, kw_only=True)
class WebIdentity:
    """Whom a verified token is about, and what it says of him."""

    provider: OidcProvider
    subject: str
    audience: str
    amr: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: tuple[str, ...] = ()
    source_identity: str | None = None


async def verified(token: str, directory: Directory, find_keys: FindKeys, now: float) -> WebIdentity:
    """Whom a token is about. Raises InvalidIdentityToken, ExpiredIdentityToken, IDPCommunicationError."""
    header, told = _opened(token)
    provider = _provider(told.get("iss"), directory)
    keys = await find_keys(provider.issuer, header.get("kid"))
    try:
        claims = verified_claims(token, keys, ALGORITHMS)
    except TokenError:
        raise InvalidIdentityToken("Couldn't verify the signature of the token with its issuer's keys.") from None
    _check_times(claims, now)
    subject, tagged = claims.get("sub"), claims.get(_TAGS)
    if not isinstance(subject, str) or not subject:
        raise InvalidIdentityToken("Missing a required claim: sub")
    tags, transitive = _tags(tagged)
    source_identity = claims.get(_SOURCE_IDENTITY)
    return WebIdentity(
        provider=provider,
        subject=subject,
        audience=_audience(claims, provider),
        amr=tuple(_texts(claims.get("amr"))),
        tags=tags,
        transitive=transitive,
        source_identity=source_identity if isinstance(source_identity, str) else None,
    )


def assumed_role(directory: Directory, identity: WebIdentity, request: SessionRequest, now: float) -> Role:
    """The role, if its trust policy lets this identity assume it like this. Raises what AWS answers otherwise."""
    role = directory.role(request.role_arn)
    if role is None or not all(
        _allowed(directory, role, action, identity, request, now) for action in _actions(request)
    ):
        raise AccessDeniedException("Not authorized to perform sts:AssumeRoleWithWebIdentity")
    session_requests.check(directory, role, request)
    return role


def _actions(request: SessionRequest) -> list[str]:
    _, *further = session_requests.actions(request)
    return ["sts:AssumeRoleWithWebIdentity", *further]


def _allowed(
    directory: Directory, role: Role, action: str, identity: WebIdentity, request: SessionRequest, now: float
) -> bool:
    caller = Caller.of_provider(directory.account, identity.provider.arn)
    circumstances = Circumstances(
        caller=caller,
        now=now,
        region=request.region,
        account=directory.account,
        source_ip=request.source_ip,
        tls=request.tls,
        own={**session_requests.own_keys(request), **_keys(identity)},
        resource_tags=role.tags,
    )
    context = circumstances.context(directory.parse(role.trust, DocumentKind.TRUST).asks_for)
    return trust.naming(role, action, caller=caller, parse=directory.parse, context=context) is not Naming.NOT


def _keys(identity: WebIdentity) -> Context:
    """Condition keys are called by their provider: `accounts.example.com:sub`."""
    name = identity.provider.name
    keys: dict[str, str | list[str]] = {
        f"{name}:aud": identity.audience,
        f"{name}:sub": identity.subject,
        "aws:FederatedProvider": identity.provider.arn,
    }
    return {**keys, f"{name}:amr": list(identity.amr)} if identity.amr else keys


def _opened(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims, which nobody has verified yet."""
    try:
        header, payload = opened(token)
        claims = json.loads(payload)
    except (TokenError, ValueError, RecursionError):
        raise InvalidIdentityToken(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        ) from None
    if not isinstance(claims, dict) or header.get("alg") not in ALGORITHMS:
        raise InvalidIdentityToken("The token's algorithm is not supported.")
    return header, claims


def _provider(issuer: Any, directory: Directory) -> OidcProvider:
    name = str(issuer).removeprefix("https://").rstrip("/")
    found = directory.find(OidcProvider, name) if str(issuer).startswith("https://") else None
    if found is None or found.name != name:
        raise InvalidIdentityToken(f"No OpenIDConnect provider found in your account for {issuer}")
    return found


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expires = claims.get("exp")
    if not isinstance(expires, int | float):
        raise InvalidIdentityToken("Missing a required claim: exp")
    if expires <= now:
        raise ExpiredIdentityToken(
            f"Token expired: current date/time {int(now)} must be before the expiration date/time {int(expires)}"
        )
    for name in ("iat", "nbf"):
        begins = claims.get(name, 0)
        if not isinstance(begins, int | float) or begins > now + MAX_SKEW_S:
            raise InvalidIdentityToken("The token is not valid yet.")


def _audience(claims: Mapping[str, Any], provider: OidcProvider) -> str:
    """Whom the token is for: the party that it was issued to, where it says one, else one of those that it names."""
    party = claims.get("azp")
    meant = [party] if party is not None else _texts(claims.get("aud"))
    found = next((each for each in meant if each in provider.audiences), None)
    if found is None:
        raise InvalidIdentityToken("Incorrect token audience")
    return str(found)


def _tags(given: Any) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """What a provider says for the session: each tag's value in a list of one."""
    if not isinstance(given, Mapping):
        return {}, ()
    principal = given.get("principal_tags")
    tags = principal if isinstance(principal, Mapping) else {}
    found = {str(key): each for key, value in tags.items() for each in _texts(value)[:1]}
    return found, tuple(key for key in _texts(given.get("transitive_tag_keys")) if key in found)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
