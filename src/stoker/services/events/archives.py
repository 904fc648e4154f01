"""Operations on archives and replays."""

from collections.abc import Mapping
from typing import Any

from stoker.buses import names
from stoker.buses.archives import Archive, Archives, ArchiveSize
from stoker.buses.replays import Replay, Replays
from stoker.model.errors import ValidationException
from stoker.services.events.buses import instant, refuse
from stoker.services.events.pages import page, start
from stoker.wire.message import Call

_NOTHING: Mapping[str, Any] = {}
# The only one that an archive is ever in here.
_STATE = "ENABLED"
_UNBUILT = {"KmsKeyIdentifier": "Encryption of archives with a KMS key"}


class ArchiveOperations:
    """Create, describe, list, change and delete archives."""

    def __init__(self, archives: Archives) -> None:
        self._archives = archives

    async def create_archive(self, call: Call) -> Mapping[str, Any]:
        refuse(call.params, _UNBUILT)
        params = call.params
        archive = await self._archives.create(
            Archive(
                region=call.region,
                name=params["ArchiveName"],
                bus=_required(params, "EventSourceArn", "event-bus"),
                pattern=params.get("EventPattern") or None,
                description=params.get("Description"),
                retention_days=params.get("RetentionDays", 0),
            )
        )
        return {**_state(call, archive), "CreationTime": instant(archive.created)}

    async def describe_archive(self, call: Call) -> Mapping[str, Any]:
        archive, size = await self._archives.get(call.region, call.params["ArchiveName"])
        arn = names.archive_arn(call.region, call.account, archive.name)
        described = {"Description": archive.description, "EventPattern": archive.pattern}
        return {"ArchiveArn": arn, **_describe(call, archive, size), **described}

    async def list_archives(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        after, limit = start(params)
        if params.get("State", _STATE) != _STATE:
            return {"Archives": []}
        bus = _required(params, "EventSourceArn", "event-bus") if "EventSourceArn" in params else None
        found = await self._archives.list(call.region, params.get("NamePrefix", ""), bus, after, limit + 1)
        shown, token = page(found, limit, lambda each: each[0].name)
        return {"Archives": [_describe(call, archive, size) for archive, size in shown], **token}

    async def update_archive(self, call: Call) -> Mapping[str, Any]:
        refuse(call.params, _UNBUILT)
        words = {"EventPattern": "pattern", "Description": "description", "RetentionDays": "retention_days"}
        changes = {name: call.params[word] for word, name in words.items() if word in call.params}
        archive = await self._archives.update(call.region, call.params["ArchiveName"], **changes)
        return {**_state(call, archive), "CreationTime": instant(archive.created)}

    async def delete_archive(self, call: Call) -> Mapping[str, Any]:
        await self._archives.delete(call.region, call.params["ArchiveName"])
        return _NOTHING


class ReplayOperations:
    """Start, describe, list and cancel replays."""

    def __init__(self, replays: Replays) -> None:
        self._replays = replays

    async def start_replay(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        destination = params["Destination"]
        replay = await self._replays.start(
            Replay(
                region=call.region,
                name=params["ReplayName"],
                archive=_required(params, "EventSourceArn", "archive"),
                bus=_required(destination, "Arn", "event-bus"),
                from_at=params["EventStartTime"].timestamp(),
                to_at=params["EventEndTime"].timestamp(),
                description=params.get("Description"),
                rule_arns=destination.get("FilterArns") or None,
            )
        )
        return {**_replay_state(call, replay), "ReplayStartTime": instant(replay.started)}

    async def describe_replay(self, call: Call) -> Mapping[str, Any]:
        replay = await self._replays.get(call.region, call.params["ReplayName"])
        destination = {
            "Arn": names.bus_arn(call.region, call.account, replay.bus),
            "FilterArns": replay.rule_arns or None,
        }
        arn = names.replay_arn(call.region, call.account, replay.name)
        described = {"ReplayArn": arn, "Description": replay.description, "Destination": destination}
        return {**described, **_describe_replay(call, replay)}

    async def list_replays(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        after, limit = start(params)
        archive = _required(params, "EventSourceArn", "archive") if "EventSourceArn" in params else None
        prefix, state = params.get("NamePrefix", ""), params.get("State")
        found = await self._replays.list(call.region, prefix, state, archive, after, limit + 1)
        shown, token = page(found, limit, lambda replay: replay.name)
        return {"Replays": [_describe_replay(call, replay) for replay in shown], **token}

    async def cancel_replay(self, call: Call) -> Mapping[str, Any]:
        return _replay_state(call, await self._replays.cancel(call.region, call.params["ReplayName"]))


def _required(params: Mapping[str, Any], name: str, kind: str) -> str:
    found = names.of_arn(params[name], kind)
    if found is None:
        raise ValidationException(f"Parameter {name} is not valid. Reason: Must contain an {kind} ARN.")
    return found


def _state(call: Call, archive: Archive) -> Mapping[str, Any]:
    return {"ArchiveArn": names.archive_arn(call.region, call.account, archive.name), "State": _STATE}


def _describe(call: Call, archive: Archive, size: ArchiveSize) -> Mapping[str, Any]:
    return {
        "ArchiveName": archive.name,
        "EventSourceArn": names.bus_arn(call.region, call.account, archive.bus),
        "State": _STATE,
        "RetentionDays": archive.retention_days,
        "SizeBytes": size.bytes,
        "EventCount": size.events,
        "CreationTime": instant(archive.created),
    }


def _replay_state(call: Call, replay: Replay) -> Mapping[str, Any]:
    return {"ReplayArn": names.replay_arn(call.region, call.account, replay.name), "State": replay.state}


def _describe_replay(call: Call, replay: Replay) -> Mapping[str, Any]:
    return {
        "ReplayName": replay.name,
        "EventSourceArn": names.archive_arn(call.region, call.account, replay.archive),
        "State": replay.state,
        "EventStartTime": instant(replay.from_at),
        "EventEndTime": instant(replay.to_at),
        "EventLastReplayedTime": instant(replay.cursor_at),
        "ReplayStartTime": instant(replay.started),
        "ReplayEndTime": instant(replay.ended),
    }
