"""A cron and a rate that call a function, set up on a running Stoker and waited for: `.venv/bin/python run.py`.

Clients find Stoker as always: AWS_ENDPOINT_URL, and the credentials in the data directory. Takes up to a minute, since
a cron expression knows no seconds.
"""

import io
import json
import sys
import time
import zipfile
from pathlib import Path

import boto3

NAME = "schedules"
SERVICES = ["lambda.amazonaws.com", "scheduler.amazonaws.com"]
ASSUME = {"Effect": "Allow", "Principal": {"Service": SERVICES}, "Action": "sts:AssumeRole"}
CALL = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}


def policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def function(iam, functions):
    """The function, and the role with which the schedule calls it."""
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=policy(ASSUME))["Role"]["Arn"]
    iam.put_role_policy(RoleName=NAME, PolicyName="call", PolicyDocument=policy(CALL))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(Path(__file__).with_name("app.py"), "app.py")
    made = functions.create_function(
        FunctionName=NAME,
        # The one that this program runs on.
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="app.handler",
        Role=role,
        Code={"ZipFile": packed.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=NAME, WaiterConfig={"Delay": 0.1})
    return made["FunctionArn"], role


def fired(logs):
    """What the function said so far."""
    try:
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{NAME}", filterPattern="FIRED")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return set()
    return {event["message"].strip().removeprefix("FIRED ") for event in events}


def main():
    iam, functions, logs = boto3.client("iam"), boto3.client("lambda"), boto3.client("logs")
    events, scheduler = boto3.client("events"), boto3.client("scheduler")
    arn, role = function(iam, functions)

    rule = events.put_rule(Name=NAME, ScheduleExpression="cron(* * * * ? *)")["RuleArn"]
    functions.add_permission(
        FunctionName=NAME,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    events.put_targets(Rule=NAME, Targets=[{"Id": "function", "Arn": arn}])

    scheduler.create_schedule(
        Name=NAME,
        ScheduleExpression="rate(5 minutes)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": role, "Input": json.dumps({"schedule": "every five minutes"})},
    )

    end = time.monotonic() + 200
    seen = set()
    while len(seen) < 2 and time.monotonic() < end:
        for name in sorted(fired(logs) - seen):
            print(f"fired: {name}", flush=True)
            seen.add(name)
        time.sleep(0.5)
    events.disable_rule(Name=NAME)
    scheduler.delete_schedule(Name=NAME)


if __name__ == "__main__":
    main()
