"""What makes functions run: each kind of trigger, with the permission that it needs, made in one go.

An event source mapping needs a role that may read its source; everything that pushes needs the function's leave to.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.console.aws import Aws
from stoker.console.aws_models import ApiError
from stoker.console.visit import Form, InputError

# The statements that let everybody open a function's URL.
URL_STATEMENTS = ("url-for-everybody", "call-for-everybody-by-url")
_QUEUE_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
_HOW_TO_SCHEDULE = (
    "Write a schedule as rate(5 minutes), of one as rate(1 minute), or as cron(0 8 * * ? *): at eight each morning, "
    "UTC. One of a cron's two days, of the month and of the week, is a question mark."
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """The function that is to run."""

    name: str
    arn: str
    role: str

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]


async def add_queue(aws: Aws, target: Target, form: Form) -> None:
    """A mapping from a queue, which is made if it is not there."""
    name = _name(form, "queue")
    try:
        url = (await aws.call("sqs", "GetQueueUrl", QueueName=name))["QueueUrl"]
    except ApiError as error:
        if "NonExistentQueue" not in error.code and "QueueDoesNotExist" not in error.code:
            raise
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        # As long as the function may take, as Lambda asks for, six times over.
        timeout = str(6 * (await _configuration(aws, target.name))["Timeout"])
        attributes = {"VisibilityTimeout": timeout, **fifo}
        url = (await aws.call("sqs", "CreateQueue", QueueName=name, Attributes=attributes))["QueueUrl"]
    facts = await aws.call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])
    await aws.call("iam", "AttachRolePolicy", RoleName=target.role.rpartition("/")[2], PolicyArn=_QUEUE_POLICY)
    await aws.call(
        "lambda",
        "CreateEventSourceMapping",
        FunctionName=target.name,
        EventSourceArn=facts["Attributes"]["QueueArn"],
        BatchSize=form.number("batch", 10),
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )


async def add_bucket(aws: Aws, target: Target, form: Form) -> None:
    """A bucket's notification when an object is put; the bucket is made if it is not there."""
    bucket = _name(form, "bucket")
    try:
        await aws.call("s3", "HeadBucket", Bucket=bucket)
    except ApiError as error:
        if error.status != 404:
            raise
        await aws.call("s3", "CreateBucket", Bucket=bucket, **_location(aws))
    arn = f"arn:aws:s3:::{bucket}"
    await _permit(aws, target, statement=f"s3-{bucket}", principal="s3.amazonaws.com", source=arn, owned=True)
    told = await aws.call("s3", "GetBucketNotificationConfiguration", Bucket=bucket)
    told.pop("ResponseMetadata", None)
    wanted: dict[str, Any] = {"LambdaFunctionArn": target.arn, "Events": ["s3:ObjectCreated:*"]}
    rules = [{"Name": kind, "Value": form[kind]} for kind in ("prefix", "suffix") if form[kind]]
    if rules:
        wanted["Filter"] = {"Key": {"FilterRules": rules}}
    told["LambdaFunctionConfigurations"] = [*told.get("LambdaFunctionConfigurations", ()), wanted]
    await aws.call("s3", "PutBucketNotificationConfiguration", Bucket=bucket, NotificationConfiguration=told)


async def add_schedule(aws: Aws, target: Target, form: Form) -> None:
    """A rule of EventBridge with a schedule."""
    expression = form["schedule"]
    if not re.fullmatch(r"(rate|cron)\(.+\)", expression):
        raise InputError(_HOW_TO_SCHEDULE)
    name = form["rule"] or f"{target.name}-schedule"
    try:
        rule = await aws.call("events", "PutRule", Name=name, ScheduleExpression=expression, State="ENABLED")
    except ApiError as error:
        if "ScheduleExpression" in error.message:
            raise InputError(f"{expression} is no schedule. {_HOW_TO_SCHEDULE}") from None
        raise
    await _permit(aws, target, statement=f"rule-{name}", principal="events.amazonaws.com", source=str(rule["RuleArn"]))
    await aws.call("events", "PutTargets", Rule=name, Targets=[{"Id": "function", "Arn": target.arn}])


async def add_url(aws: Aws, target: Target, form: Form) -> None:
    """A function URL, for those who sign or for everybody."""
    auth = "NONE" if form["who"] == "everybody" else "AWS_IAM"
    await aws.call("lambda", "CreateFunctionUrlConfig", FunctionName=target.name, AuthType=auth)
    if auth == "NONE":
        everybody = {"FunctionName": target.name, "Principal": "*"}
        await aws.call(
            "lambda",
            "AddPermission",
            **everybody,
            StatementId=URL_STATEMENTS[0],
            Action="lambda:InvokeFunctionUrl",
            FunctionUrlAuthType="NONE",
        )
        await aws.call(
            "lambda",
            "AddPermission",
            **everybody,
            StatementId=URL_STATEMENTS[1],
            Action="lambda:InvokeFunction",
            InvokedViaFunctionUrl=True,
        )


async def add_api(aws: Aws, target: Target, form: Form) -> None:
    """An HTTP API with one route that leads here."""
    route = form["route"] or "ANY /"
    if not re.fullmatch(r"(ANY|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /\S*|\$default", route):
        raise InputError("Write a route as GET /things/{id}, or $default for all that no other route takes.")
    made = await aws.call(
        "apigatewayv2",
        "CreateApi",
        Name=form["api"] or f"{target.name}-api",
        ProtocolType="HTTP",
        RouteKey=route,
        Target=target.arn,
    )
    source = f"arn:aws:execute-api:{aws.region}:{target.account}:{made['ApiId']}/*"
    await _permit(aws, target, statement=f"api-{made['ApiId']}", principal="apigateway.amazonaws.com", source=source)


ADDERS = {"queue": add_queue, "bucket": add_bucket, "schedule": add_schedule, "url": add_url, "api": add_api}
"""By the kind that the dialogue names."""


async def _permit(
    aws: Aws, target: Target, *, statement: str, principal: str, source: str, owned: bool = False
) -> None:
    """The function's leave for a service to call it for one source; one that is there already will do."""
    owner = {"SourceAccount": target.account} if owned else {}
    try:
        await aws.call(
            "lambda",
            "AddPermission",
            FunctionName=target.name,
            StatementId=re.sub(r"[^A-Za-z0-9_-]", "-", statement)[:100],
            Action="lambda:InvokeFunction",
            Principal=principal,
            SourceArn=source,
            **owner,
        )
    except ApiError as error:
        if error.code != "ResourceConflictException":
            raise


async def statements(aws: Aws, function: str) -> Sequence[Mapping[str, Any]]:
    """Who may call a function: the statements of its policy."""
    try:
        answer = await aws.call("lambda", "GetPolicy", FunctionName=function)
    except ApiError as error:
        if error.code == "ResourceNotFoundException":
            return []
        raise
    found: Sequence[Mapping[str, Any]] = json.loads(answer["Policy"])["Statement"]
    return found


async def _configuration(aws: Aws, function: str) -> Mapping[str, Any]:
    return await aws.call("lambda", "GetFunctionConfiguration", FunctionName=function)


def _location(aws: Aws) -> Mapping[str, Any]:
    """S3's oldest region is named by saying none."""
    if aws.region == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": aws.region}}


def _name(form: Form, field: str) -> str:
    if not form[field]:
        raise InputError(f"Give the {field} a name.")
    return form[field]
