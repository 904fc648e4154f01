"""PutEvents."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.buses import names
from stoker.buses.event import MAX_REQUEST_BYTES, EntryError, check_entry, document_of, entry_size
from stoker.buses.routing import LARGE_BYTES, Arrival, Router
from stoker.model.clock import Clock
from stoker.model.errors import NotBuiltError, ValidationException
from stoker.wire.message import Call


class PutEvents:
    """Takes events, each on its own: a bad one does not keep the others back."""

    def __init__(self, router: Router, clock: Clock) -> None:
        self._router = router
        self._clock = clock

    async def put_events(self, call: Call) -> Mapping[str, Any]:
        if call.params.get("EndpointId"):
            raise NotBuiltError("Global endpoints (EndpointId) are not there yet in Stoker.")
        entries: Sequence[Mapping[str, Any]] = call.params["Entries"]
        size = sum(entry_size(entry) for entry in entries)
        if size > MAX_REQUEST_BYTES:
            raise ValidationException("Total size of the entries in the request is over the limit.")
        parsed = await asyncio.to_thread(_check, entries) if size > LARGE_BYTES else _check(entries)
        arrivals = [
            None if isinstance(detail, EntryError) else self._arrival(call, entry, detail)
            for entry, detail in zip(entries, parsed, strict=True)
        ]
        await self._router.put(call.region, [arrival for arrival in arrivals if arrival is not None])
        return {
            "FailedEntryCount": arrivals.count(None),
            "Entries": [
                {"ErrorCode": error.code, "ErrorMessage": error.message}
                if isinstance(error, EntryError)
                else {"EventId": arrival and arrival.event["id"]}
                for error, arrival in zip(parsed, arrivals, strict=True)
            ],
        }

    def _arrival(self, call: Call, entry: Mapping[str, Any], detail: Mapping[str, Any]) -> Arrival:
        event = document_of(
            id=str(uuid.uuid4()),
            source=entry["Source"],
            detail_type=entry["DetailType"],
            detail=detail,
            account=call.account,
            region=call.region,
            time=entry["Time"].timestamp() if "Time" in entry else self._clock.time(),
            resources=entry.get("Resources", ()),
        )
        bus = names.bus_name(entry.get("EventBusName"))
        return Arrival(bus=bus, event=event, trace_id=entry.get("TraceHeader") or call.trace_id)


def _check(entries: Sequence[Mapping[str, Any]]) -> Sequence[EntryError | Mapping[str, Any]]:
    return [check_entry(entry) for entry in entries]
