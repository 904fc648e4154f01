"""PublishVersion and ListVersionsByFunction."""

from collections.abc import Mapping
from typing import Any

from stoker.functions.versions import Versions
from stoker.model.limits import LIST_PAGE_ITEMS
from stoker.services.lambda_.configuration_words import ConfigurationWords
from stoker.services.lambda_.naming import locate
from stoker.services.lambda_.unbuilt import refuse_unbuilt
from stoker.wire.message import Call


class VersionOperations:
    """The operations on published versions."""

    def __init__(self, versions: Versions, words: ConfigurationWords) -> None:
        self._versions = versions
        self._words = words

    async def publish_version(self, call: Call) -> Mapping[str, Any]:
        refuse_unbuilt(call.params)
        record = await self._versions.publish(
            locate(call).function,
            description=call.params.get("Description"),
            code_sha256=call.params.get("CodeSha256"),
            revision_id=call.params.get("RevisionId"),
        )
        return self._words.full(record, record.function.version)

    async def list_versions_by_function(self, call: Call) -> Mapping[str, Any]:
        limit = min(call.params.get("MaxItems", LIST_PAGE_ITEMS), LIST_PAGE_ITEMS)
        page = await self._versions.list(locate(call).function, call.params.get("Marker"), limit)
        versions = [self._words.listed(record, record.function.version) for record in page.items]
        return {"Versions": versions, "NextMarker": page.next_marker}
