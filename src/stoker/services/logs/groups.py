"""Log groups: making, listing, retention and tags."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from stoker.model.clock import Clock
from stoker.model.errors import InvalidParameterException, NotBuiltError
from stoker.observability import log_changes
from stoker.observability.log_queries import GroupSearch, LogGroup, find_group, search_groups
from stoker.observability.telemetry import Telemetry
from stoker.services.logs.errors import LogGroupExistsError, LogGroupNotFoundError, TooManyTagsError
from stoker.services.logs.identifiers import group_arn, group_name, page_token, parse_page_token
from stoker.wire.message import Call

MAX_TAGS = 50
STANDARD = "STANDARD"
# PutRetentionPolicy's documented values.
RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip

GroupChange = Callable[[sqlite3.Connection, LogGroup], None]


class LogGroups:
    """The operations on groups."""

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._telemetry = telemetry
        self._clock = clock

    async def create_log_group(self, call: Call) -> None:
        _refuse_unbuilt(call.params)
        name, tags = call.params["logGroupName"], call.params.get("tags", {})
        now_ms = int(self._clock.time() * 1000)

        def create(connection: sqlite3.Connection) -> bool:
            return log_changes.create_group(
                connection, region=call.region, name=name, now_ms=now_ms, log_class=STANDARD, tags=tags
            )

        if not await self._telemetry.change(create):
            raise LogGroupExistsError

    async def delete_log_group(self, call: Call) -> None:
        await self._change(call, call.params["logGroupName"], lambda c, group: log_changes.delete_group(c, group.id))

    async def describe_log_groups(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        if params.get("includeLinkedAccounts"):
            raise NotBuiltError("Log groups of linked accounts are not built: there is one account.")
        if "logGroupIdentifiers" in params:
            return {"logGroups": await self._named(call, params["logGroupIdentifiers"])}
        search = _group_search(call)
        found = await self._telemetry.read(lambda connection: search_groups(connection, search))
        page = found[: search.limit - 1]
        token = {"nextToken": page_token(page[-1].name)} if len(found) > len(page) else {}
        return {"logGroups": [_describe(call, group) for group in page], **token}

    async def put_retention_policy(self, call: Call) -> None:
        days = call.params["retentionInDays"]
        if days not in RETENTION_DAYS:
            allowed = ", ".join(map(str, RETENTION_DAYS))
            raise InvalidParameterException(
                f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
                f"Member must satisfy enum value set: [{allowed}]"
            )
        name = call.params["logGroupName"]
        await self._change(call, name, lambda c, group: log_changes.set_retention(c, group.id, days))

    async def delete_retention_policy(self, call: Call) -> None:
        name = call.params["logGroupName"]
        await self._change(call, name, lambda c, group: log_changes.set_retention(c, group.id, None))

    async def tag_resource(self, call: Call) -> None:
        def add(connection: sqlite3.Connection, group: LogGroup) -> None:
            tags = {**group.tags, **call.params["tags"]}
            if len(tags) > MAX_TAGS:
                raise TooManyTagsError
            log_changes.set_tags(connection, group.id, tags)

        await self._change(call, _tagged_group(call), add)

    async def untag_resource(self, call: Call) -> None:
        def remove(connection: sqlite3.Connection, group: LogGroup) -> None:
            gone = set(call.params["tagKeys"])
            log_changes.set_tags(connection, group.id, {k: v for k, v in group.tags.items() if k not in gone})

        await self._change(call, _tagged_group(call), remove)

    async def list_tags_for_resource(self, call: Call) -> Mapping[str, Any]:
        name = _tagged_group(call)
        group = await self._telemetry.read(lambda connection: existing_group(connection, call.region, name))
        return {"tags": dict(group.tags)}

    async def resource_tags(self, arn: str) -> Mapping[str, str]:
        """Those of a group, by its ARN or that of one of its streams."""
        region, name = arn.split(":")[3], arn.partition(":log-group:")[2].partition(":")[0]
        group = await self._telemetry.read(lambda connection: find_group(connection, region, name)) if name else None
        return {} if group is None else group.tags

    async def _change(self, call: Call, name: str, change: GroupChange) -> None:
        """Find the group and change it, in one transaction."""
        await self._telemetry.change(
            lambda connection: change(connection, existing_group(connection, call.region, name))
        )

    async def _named(self, call: Call, identifiers: list[str]) -> list[Mapping[str, Any]]:
        names = {group_name(identifier, region=call.region, account=call.account) for identifier in identifiers}

        def find(connection: sqlite3.Connection) -> list[LogGroup | None]:
            return [find_group(connection, call.region, name) for name in sorted(names)]

        return [_describe(call, group) for group in await self._telemetry.read(find) if group is not None]


def existing_group(connection: sqlite3.Connection, region: str, name: str) -> LogGroup:
    """The group, or LogGroupNotFoundError."""
    group = find_group(connection, region, name)
    if group is None:
        raise LogGroupNotFoundError
    return group


def _group_search(call: Call) -> GroupSearch:
    """One more than the page, to see whether there is a next one."""
    params = call.params
    if params.get("logGroupNamePrefix") and params.get("logGroupNamePattern"):
        raise InvalidParameterException(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
        )
    (after,) = parse_page_token(params["nextToken"], str) if "nextToken" in params else ("",)
    return GroupSearch(
        region=call.region,
        prefix=params.get("logGroupNamePrefix", ""),
        part=params.get("logGroupNamePattern", ""),
        log_class=params.get("logGroupClass"),
        after=after,
        limit=params.get("limit", 50) + 1,
    )


def _refuse_unbuilt(params: Mapping[str, Any]) -> None:
    if params.get("kmsKeyId"):
        raise NotBuiltError("Encryption of log groups with a KMS key (kmsKeyId) is not built.")
    if params.get("logGroupClass", STANDARD) != STANDARD:
        raise NotBuiltError(f"The log class {params['logGroupClass']} is not built; STANDARD is.")
    if params.get("deletionProtectionEnabled"):
        raise NotBuiltError("Deletion protection of log groups is not built.")


def _tagged_group(call: Call) -> str:
    arn = call.params["resourceArn"]
    if not arn.startswith("arn:"):
        raise InvalidParameterException("The specified resource ARN is invalid.")
    return group_name(arn, region=call.region, account=call.account)


def _describe(call: Call, group: LogGroup) -> Mapping[str, Any]:
    arn = group_arn(call.region, call.account, group.name)
    retention = {} if group.retention_days is None else {"retentionInDays": group.retention_days}
    return {
        **retention,
        "logGroupName": group.name,
        "creationTime": group.created_ms,
        # Metric filters are not built, so that no group can have one.
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "storedBytes": group.stored_bytes,
        "logGroupClass": group.log_class,
        "deletionProtectionEnabled": False,
    }
