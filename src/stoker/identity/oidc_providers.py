"""Providers of web identities: whose tokens may be exchanged for a role's credentials.

Source: "CreateOpenIDConnectProvider" in the IAM API Reference.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from stoker.identity import quotas
from stoker.identity.draft import Draft
from stoker.identity.entities import OidcProvider, new_id
from stoker.identity.errors import InvalidInput, LimitExceeded, NoSuchEntity

_SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
_IN_ARN = ":oidc-provider/"


def create(
    draft: Draft, url: str, *, audiences: Sequence[str], thumbprints: Sequence[str], tags: Mapping[str, str]
) -> OidcProvider:
    """A new provider. Unlike on AWS its URL may have a port, since it may be one's own."""
    name = _name_of(url)
    provider = OidcProvider(
        account=draft.account,
        id=new_id(OidcProvider.id_prefix),
        name=name,
        created=draft.now,
        audiences=_audiences(audiences),
        thumbprints=_thumbprints(thumbprints),
        tags=quotas.tagged({}, tags),
    )
    draft.check_new(provider, f"Provider with url {url} already exists.")
    draft.put(provider)
    return provider


def find(draft: Draft, arn: str) -> OidcProvider:
    """The provider of an ARN; raises NoSuchEntity."""
    try:
        found = draft.get(OidcProvider, name_in(arn))
    except NoSuchEntity:
        raise not_found(arn) from None
    if found.arn != arn:
        raise not_found(arn)
    return found


def delete(draft: Draft, arn: str) -> None:
    draft.remove(find(draft, arn))


def add_audience(draft: Draft, arn: str, audience: str) -> None:
    """One that is there already stays."""
    provider = find(draft, arn)
    if audience not in provider.audiences:
        draft.put(replace(provider, audiences=_audiences([*provider.audiences, audience])))


def remove_audience(draft: Draft, arn: str, audience: str) -> None:
    """One that is not there is no mistake."""
    provider = find(draft, arn)
    draft.put(replace(provider, audiences=tuple(each for each in provider.audiences if each != audience)))


def set_thumbprints(draft: Draft, arn: str, thumbprints: Sequence[str]) -> None:
    draft.put(replace(find(draft, arn), thumbprints=_thumbprints(thumbprints)))


def name_in(arn: str) -> str:
    return arn.partition(_IN_ARN)[2]


def not_found(arn: str) -> NoSuchEntity:
    return NoSuchEntity(f"OpenIDConnect Provider not found for arn {arn}")


def _name_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or parts.username is not None:
        raise InvalidInput("Invalid Open ID Connect Provider URL: it has to be https and may have no query.")
    return f"{parts.netloc}{parts.path}".rstrip("/")


def _audiences(given: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(given))
    if len(found) > quotas.AUDIENCES:
        raise LimitExceeded.of("ClientIdsPerOpenIdConnectProvider", quotas.AUDIENCES)
    return found


def _thumbprints(given: Sequence[str]) -> tuple[str, ...]:
    found = tuple(each.lower() for each in given)
    if len(found) > quotas.THUMBPRINTS:
        raise InvalidInput("Thumbprint list must contain fewer than 5 entries.")
    if not all(_SHA1.fullmatch(each) for each in found):
        raise InvalidInput("Thumbprints have to be the 40 hexadecimal digits of a SHA-1.")
    return found
