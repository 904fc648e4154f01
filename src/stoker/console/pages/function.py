"""A function's first page: its code, and a place to try it."""

import asyncio
import base64
import json
import time
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from stoker.console import package
from stoker.console.pages.readiness import until_active
from stoker.console.report import report_in
from stoker.console.routing import Route, get, post
from stoker.console.visit import InputError, Page, Redirect, Reply, Visit
from stoker.model.sample_event import sample_events


class FunctionPage:
    """Code and test of one function."""

    def __init__(self) -> None:
        self.routes: Sequence[Route] = [
            get("/functions/{name}", self.show),
            post("/functions/{name}/code", self.save),
            post("/functions/{name}/test", self.test),
            post("/functions/{name}/delete", self.delete),
        ]
        self._events = sample_events()

    async def show(self, visit: Visit) -> Page:
        name = visit.names["name"]
        known = await visit.aws.call("lambda", "GetFunction", FunctionName=name)
        context: dict[str, Any] = {
            "function": known["Configuration"],
            "tab": "code",
            "files": [],
            "why_no_files": "",
            "events": self._events,
            "event": visit.query.get("event", "hello"),
            # One that was just made is to be tried.
            "fresh": "event" in visit.query,
            "handler_file": _handler_file(known["Configuration"]),
        }
        try:
            zipped = await visit.aws.fetch(known["Code"]["Location"])
            context["files"] = await asyncio.to_thread(package.files_of, zipped.body)
        except InputError as error:
            context["why_no_files"] = str(error)
        return Page(template="function_code.html", context=context)

    async def save(self, visit: Visit) -> Reply:
        """Put the changed files into the code. Only as long as nobody else has changed it in the meantime."""
        name, form = visit.names["name"], visit.form
        known = await visit.aws.call("lambda", "GetFunction", FunctionName=name)
        if form["revision"] != known["Configuration"]["RevisionId"]:
            raise InputError("Somebody else has changed this function since this page was loaded: load it again.")
        texts = dict(zip(form.all("path"), form.all("content"), strict=True))
        zipped = await visit.aws.fetch(known["Code"]["Location"])
        changed = await asyncio.to_thread(package.changed, zipped.body, texts, form.all("removed"))
        await visit.aws.call(
            "lambda", "UpdateFunctionCode", FunctionName=name, ZipFile=changed, RevisionId=form["revision"]
        )
        await until_active(visit.aws, name)
        now = await visit.aws.call("lambda", "GetFunctionConfiguration", FunctionName=name)
        return Page(template="saved.html", context={"function": now})

    async def test(self, visit: Visit) -> Page:
        """Invoke it, and show all that came of it."""
        name, event = visit.names["name"], visit.form["event"] or "{}"
        try:
            await asyncio.to_thread(json.loads, event)
        except (ValueError, RecursionError) as error:
            raise InputError(f"The event is no JSON: {error}.") from None
        began = perf_counter()
        answer = await visit.aws.call("lambda", "Invoke", FunctionName=name, Payload=event.encode(), LogType="Tail")
        took_ms = (perf_counter() - began) * 1000
        log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
        payload = answer["Payload"].decode(errors="replace")
        failed = bool(answer.get("FunctionError"))
        context: Mapping[str, Any] = {
            "name": name,
            "failure": _failure(payload) if failed else None,
            "payload": payload,
            "log": log,
            "report": report_in(log),
            "took_ms": took_ms,
            "ended_ms": int(time.time() * 1000),
            "request_id": answer["ResponseMetadata"]["HTTPHeaders"].get("x-amzn-requestid", ""),
        }
        return Page(template="test_result.html", context=context)

    async def delete(self, visit: Visit) -> Redirect:
        """Once its name has been typed."""
        name = visit.names["name"]
        if visit.form["confirm"] != name:
            raise InputError(f"To delete it, type its name: {name}.")
        await visit.aws.call("lambda", "DeleteFunction", FunctionName=name)
        return Redirect(to="/functions")


def _handler_file(configuration: Mapping[str, Any]) -> str:
    """What the handler's file is called but for its ending."""
    return str(configuration.get("Handler", "")).rpartition(".")[0]


def _failure(payload: str) -> Mapping[str, Any]:
    """What a failed function says of it: AWS's three members, as far as they are there."""
    try:
        told = json.loads(payload)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return {"type": "Error", "message": payload, "trace": []}
    trace = told.get("stackTrace") or told.get("trace") or []
    return {
        "type": told.get("errorType", "Error"),
        "message": told.get("errorMessage", payload),
        "trace": trace if isinstance(trace, list) else [str(trace)],
    }
