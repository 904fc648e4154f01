"""What a usage plan has to be like, and how it is patched."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.apis.errors import BadRequestException, NotFoundException
from stoker.apis.rest import patches
from stoker.apis.rest.documents import Document
from stoker.store.tables_rest_apis import rest_apis, rest_stages

PERIODS = {"DAY": 1, "WEEK": 7, "MONTH": 28}
"""By its name, below what a quota's offset has to stay: days."""

PLAN_PATCHABLE = patches.Patchable(
    members={
        "name": patches.text,
        "description": patches.text,
        "productCode": patches.text,
        "throttle/rateLimit": patches.number,
        "throttle/burstLimit": patches.integer,
        "quota/limit": patches.integer,
        "quota/offset": patches.integer,
        "quota/period": patches.one_of(*PERIODS),
    },
    removable=frozenset({"description", "productCode"}),
    maps={"throttle": patches.text, "quota": patches.text},
)


def check_plan(conn: Connection, region: str, plan: Mapping[str, Any]) -> None:
    """Raises BadRequestException, and NotFoundException for a stage that is not there."""
    quota, throttle = plan.get("quota"), plan.get("throttle")
    if quota:
        period = quota.get("period")
        if period not in PERIODS:
            raise BadRequestException("Usage Plan quota period must be one of DAY, WEEK, MONTH.")
        if quota.get("limit", 0) < 1:
            raise BadRequestException("Usage Plan quota limit must be greater than 0.")
        if not 0 <= quota.get("offset", 0) < PERIODS[period]:
            raise BadRequestException(f"Usage Plan quota offset must be between 0 and {PERIODS[period] - 1}.")
    of_methods = [it for stage in plan.get("apiStages") or () for it in (stage.get("throttle") or {}).values()]
    for limit in (throttle, *of_methods):
        if limit and (limit.get("rateLimit", 0) < 0 or limit.get("burstLimit", 0) < 0):
            raise BadRequestException("Usage Plan throttle settings must not be negative.")
    for stage in plan.get("apiStages") or ():
        found = sa.select(rest_stages.c.name).join(rest_apis, rest_apis.c.id == rest_stages.c.api_id)
        where = (rest_apis.c.region == region) & (rest_apis.c.id == stage.get("apiId"))
        if conn.execute(found.where(where & (rest_stages.c.name == stage.get("stage")))).first() is None:
            raise NotFoundException(f"API Stage not found: {stage.get('apiId')}:{stage.get('stage')}")


def patch_stages(plan: Document, operation: Mapping[str, Any]) -> None:
    """`/apiStages` with `API:STAGE` as its value, or `/apiStages/API:STAGE/throttle/PATH/METHOD/rateLimit`."""
    parts = patches.parts_of(operation.get("path", ""))
    op, stages = operation.get("op"), plan.setdefault("apiStages", [])
    name = parts[1] if len(parts) > 1 else operation.get("value") or ""
    api_id, _, stage = name.partition(":")
    known = next((it for it in stages if it["apiId"] == api_id and it["stage"] == stage), None)
    if len(parts) == 1 and op == "add" and stage:
        if known is None:
            stages.append({"apiId": api_id, "stage": stage})
    elif len(parts) <= 2 and op == "remove" and known is not None:
        stages.remove(known)
    elif len(parts) > 2 and parts[2] == "throttle" and known is not None:
        _patch_throttle(known, parts[3:], operation)
    else:
        raise BadRequestException(f"Invalid patch operation '{op}' for path '{operation.get('path')}'")


def _patch_throttle(stage: Document, parts: list[str], operation: Mapping[str, Any]) -> None:
    throttle = stage.setdefault("throttle", {})
    if operation.get("op") == "remove":
        if len(parts) < 2:
            stage.pop("throttle")
        else:
            throttle.pop("/".join(parts[:2]), None)
        return
    if len(parts) < 3 or parts[-1] not in ("rateLimit", "burstLimit"):
        raise BadRequestException(f"Invalid patch path  '{operation.get('path')}' specified")
    read: patches.Reader = patches.number if parts[-1] == "rateLimit" else patches.integer
    throttle.setdefault("/".join(parts[:-1]), {})[parts[-1]] = read(operation.get("value") or "")
