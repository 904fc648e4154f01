"""CreateFunctionUrlConfig to DeleteFunctionUrlConfig."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from stoker.functions.urls import FunctionUrl, UrlChange, Urls
from stoker.model.cors import CorsRules
from stoker.model.limits import LIST_PAGE_ITEMS
from stoker.services.lambda_.naming import locate
from stoker.wire.message import Call, Result

Address = Callable[[str, str], Awaitable[str]]
"""Makes the address of a URL from its id and region."""


class UrlOperations:
    """The operations on function URLs."""

    def __init__(self, urls: Urls, address: Address) -> None:
        self._urls = urls
        self._address = address

    async def create_function_url_config(self, call: Call) -> Result:
        located, change = locate(call), _change(call.params)
        members = await self._members(await self._urls.create(located.function, located.qualifier, change))
        # AWS tells no time of change for what was just made, and the mode only to who asked for one.
        del members["LastModifiedTime"]
        return Result(members={**members, "InvokeMode": call.params.get("InvokeMode")})

    async def get_function_url_config(self, call: Call) -> Mapping[str, Any]:
        located = locate(call)
        return await self._members(await self._urls.get(located.function, located.qualifier))

    async def list_function_url_configs(self, call: Call) -> Mapping[str, Any]:
        page = await self._urls.list(
            locate(call).function, call.params.get("Marker"), call.params.get("MaxItems", LIST_PAGE_ITEMS)
        )
        return {
            "FunctionUrlConfigs": [await self._members(url) for url in page.items],
            "NextMarker": page.next_marker,
        }

    async def update_function_url_config(self, call: Call) -> Mapping[str, Any]:
        located, change = locate(call), _change(call.params)
        members = await self._members(await self._urls.update(located.function, located.qualifier, change))
        return {**members, "InvokeMode": call.params.get("InvokeMode")}

    async def delete_function_url_config(self, call: Call) -> Mapping[str, Any]:
        located = locate(call)
        await self._urls.delete(located.function, located.qualifier)
        return {}

    async def _members(self, url: FunctionUrl) -> dict[str, Any]:
        return {
            "FunctionUrl": await self._address(url.id, url.function.region),
            "FunctionArn": url.function.arn(url.qualifier),
            "AuthType": url.auth_type,
            "Cors": None if url.cors is None else _cors_words(url.cors),
            "CreationTime": _time(url.created),
            "LastModifiedTime": _time(url.modified),
            "InvokeMode": url.invoke_mode,
        }


def _change(params: Mapping[str, Any]) -> UrlChange:
    return UrlChange(
        auth_type=params.get("AuthType"),
        cors=_cors_rules(params.get("Cors")),
        invoke_mode=params.get("InvokeMode"),
    )


def _cors_rules(words: Mapping[str, Any] | None) -> CorsRules | None:
    if words is None:
        return None
    return CorsRules(
        allow_credentials=words.get("AllowCredentials", False),
        allow_headers=tuple(words.get("AllowHeaders", ())),
        allow_methods=tuple(words.get("AllowMethods", ())),
        allow_origins=tuple(words.get("AllowOrigins", ())),
        expose_headers=tuple(words.get("ExposeHeaders", ())),
        max_age_s=words.get("MaxAge"),
    )


def _cors_words(rules: CorsRules) -> Mapping[str, Any]:
    """Only what says something."""
    words = {
        "AllowCredentials": rules.allow_credentials or None,
        "AllowHeaders": list(rules.allow_headers) or None,
        "AllowMethods": list(rules.allow_methods) or None,
        "AllowOrigins": list(rules.allow_origins) or None,
        "ExposeHeaders": list(rules.expose_headers) or None,
        "MaxAge": rules.max_age_s,
    }
    return {name: value for name, value in words.items() if value is not None}


def _time(moment: float) -> str:
    """In UTC, to the microsecond."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
