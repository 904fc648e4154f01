"""Issuers' public keys: fetched where OpenID Connect says they are, and kept for a while.

Source: "Control access to HTTP APIs with JWT authorizers" in the API Gateway Developer Guide: keys are kept for two
hours. OpenID Connect Discovery 1.0 says where they are.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stoker.deliveries.outbound import ForbiddenAddressError, Outbound, OutboundRequest, UnreachableError
from stoker.model.clock import Clock
from stoker.wire.json_web_tokens import TokenError, read_keys

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

KEPT_S = 2 * 3600.0
# A token may name a key that has come since; but whoever sends such must not make Stoker ask for each of them.
ASK_AGAIN_S = 30.0
TIMEOUT_S = 5.0
MAX_BYTES = 256 * 1024
_DISCOVERY = "/.well-known/openid-configuration"


class KeysUnavailableError(Exception):
    """An issuer's keys could not be had."""


@dataclass(frozen=True, kw_only=True)
class _Kept:
    keys: "KeySet"
    ids: frozenset[str]
    at: float


class KeySets:
    """Key sets by their issuer's URL. Whoever needs the same one at the same time waits for one request."""

    def __init__(self, outbound: Outbound, clock: Clock) -> None:
        self._outbound = outbound
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._asking: dict[str, asyncio.Task[_Kept]] = {}

    def __repr__(self) -> str:
        return f"<KeySets of {len(self._kept)} issuers>"

    async def of(self, issuer: str, key_id: str | None) -> "KeySet":
        """An issuer's keys, new ones if the key is none of those that are known. Raises KeysUnavailableError."""
        kept = self._kept.get(issuer)
        if kept is not None:
            age = self._clock.monotonic() - kept.at
            unknown = key_id is not None and key_id not in kept.ids
            if age < (ASK_AGAIN_S if unknown else KEPT_S):
                return kept.keys
        task = self._asking.get(issuer)
        if task is None:
            task = self._asking[issuer] = asyncio.create_task(self._ask(issuer))
            task.add_done_callback(lambda _: self._asking.pop(issuer, None))
        return (await asyncio.shield(task)).keys

    async def _ask(self, issuer: str) -> _Kept:
        found = await self._get(issuer.rstrip("/") + _DISCOVERY)
        address = found.get("jwks_uri")
        if not isinstance(address, str):
            raise KeysUnavailableError("the issuer's configuration has no jwks_uri")
        document = await self._get(address)
        try:
            keys = read_keys(document)
        except TokenError as error:
            raise KeysUnavailableError(str(error)) from error
        ids = frozenset(key.kid for key in keys.keys if key.kid is not None)
        kept = self._kept[issuer] = _Kept(keys=keys, ids=ids, at=self._clock.monotonic())
        return kept

    async def _get(self, url: str) -> Mapping[str, Any]:
        request = OutboundRequest(method="GET", url=url, timeout_s=TIMEOUT_S, max_answer_bytes=MAX_BYTES)
        try:
            answer = await self._outbound.call(request)
            document = json.loads(answer.body) if answer.status == 200 else None
        except (UnreachableError, ForbiddenAddressError, ValueError, RecursionError) as error:
            raise KeysUnavailableError(str(error)) from error
        if not isinstance(document, dict):
            raise KeysUnavailableError(f"{url} answered {answer.status}")
        return document
