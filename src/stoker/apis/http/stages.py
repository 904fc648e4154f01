"""Stages: a deployment under a name, with variables, limits and a log."""

import re
from collections.abc import Mapping
from typing import Any

from stoker.apis.errors import BadRequestException, ConflictException
from stoker.apis.http.access_log import parse_format
from stoker.apis.http.draft import DEPLOYMENT, HTTP, STAGE, Document, Draft
from stoker.apis.http.parts import PartKind
from stoker.model.errors import NotBuiltError

DEFAULT_STAGE = "$default"
MAX_STAGES = 10
LOG_GROUP_ARN = re.compile(r"arn:aws[a-z-]*:logs:([a-z0-9-]+):([0-9]{12}):log-group:([A-Za-z0-9_./#-]{1,512})(:\*)?")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_VARIABLE = re.compile(r"[A-Za-z0-9_]+")
_VARIABLE_VALUE = re.compile(r"[A-Za-z0-9-._~:/?#&=,]*")
_MEMBERS = (
    "AccessLogSettings",
    "AutoDeploy",
    "ClientCertificateId",
    "CreatedDate",
    "DefaultRouteSettings",
    "DeploymentId",
    "Description",
    "LastUpdatedDate",
    "RouteSettings",
    "StageVariables",
    "Tags",
)


def _check(draft: Draft, stage: Document, before: Document | None) -> Document:
    name = stage["StageName"]
    if before is None:
        _check_new(draft, name)
    stage = {"AutoDeploy": False, "DefaultRouteSettings": {}, "RouteSettings": {}, "StageVariables": {}, **stage}
    if stage.get("ClientCertificateId"):
        raise NotBuiltError("Client certificates are not there yet in Stoker.")
    for settings in (stage["DefaultRouteSettings"], *stage["RouteSettings"].values()):
        _check_settings(settings)
    for variable, value in stage["StageVariables"].items():
        if _VARIABLE.fullmatch(variable) is None or _VARIABLE_VALUE.fullmatch(value) is None:
            raise BadRequestException(f"Invalid stage variable: {variable}")
    _check_deployment(draft, stage, before)
    if stage.get("AccessLogSettings"):
        _check_log(stage["AccessLogSettings"])
    stage["DefaultRouteSettings"] = {"DetailedMetricsEnabled": False, **stage["DefaultRouteSettings"]}
    return stage


def _check_new(draft: Draft, name: str) -> None:
    if draft.find(STAGE, name) is not None:
        raise ConflictException("Stage already exists")
    if len(draft.all(STAGE)) >= MAX_STAGES:
        raise BadRequestException(f"An API has at most {MAX_STAGES} stages.")
    if _NAME.fullmatch(name) is None and not (name == DEFAULT_STAGE and draft.protocol == HTTP):
        raise BadRequestException("Stage name only allows a-zA-Z0-9_- and $default")


def _check_settings(settings: Mapping[str, Any]) -> None:
    if settings.get("DataTraceEnabled") or settings.get("LoggingLevel") not in (None, "OFF"):
        raise NotBuiltError("Execution logs of APIs are not there yet in Stoker.")
    if settings.get("DetailedMetricsEnabled"):
        raise NotBuiltError("Metrics of APIs are not there yet in Stoker.")
    if settings.get("ThrottlingBurstLimit", 0) < 0 or settings.get("ThrottlingRateLimit", 0) < 0:
        raise BadRequestException("Limits of throttling cannot be negative.")


def _check_deployment(draft: Draft, stage: Document, before: Document | None) -> None:
    deployment_id = stage.get("DeploymentId")
    given = deployment_id is not None and (before is None or before.get("DeploymentId") != deployment_id)
    if given and draft.find(DEPLOYMENT, str(deployment_id)) is None:
        raise BadRequestException("Deployment does not exist")
    if given and stage["AutoDeploy"]:
        raise BadRequestException("Deployment ID cannot be set on a stage with AutoDeploy enabled.")


def _check_log(settings: Mapping[str, Any]) -> None:
    arn, text = settings.get("DestinationArn", ""), settings.get("Format", "")
    if ":firehose:" in arn:
        raise NotBuiltError("Access logs to Firehose are not there yet in Stoker.")
    if LOG_GROUP_ARN.fullmatch(arn) is None:
        raise BadRequestException("Invalid AccessLogSettings. DestinationArn is not that of a log group.")
    if not text or ("$context.requestId" not in text and "$context.extendedRequestId" not in text):
        raise BadRequestException(
            "Invalid AccessLogSettings. Format must contain at least $context.requestId or $context.extendedRequestId"
        )
    parse_format(text)


STAGES = PartKind(name=STAGE, id_member="StageName", members=_MEMBERS, check=_check, natural_id=True)
