"""Set everything up on a running Stoker, send two orders, and show what comes out: `.venv/bin/python run.py`.

Clients find Stoker as always: AWS_ENDPOINT_URL, and the credentials in the data directory.
"""

import io
import json
import sys
import zipfile
from pathlib import Path

import boto3

ASSUME = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
USE_QUEUES = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}


def policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def queue(sqs, name, **attributes):
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def function(iam, functions, invoices):
    role = iam.create_role(RoleName="queue-to-queue", AssumeRolePolicyDocument=policy(ASSUME))["Role"]["Arn"]
    iam.put_role_policy(RoleName="queue-to-queue", PolicyName="queues", PolicyDocument=policy(USE_QUEUES))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(Path(__file__).with_name("app.py"), "app.py")
    functions.create_function(
        FunctionName="queue-to-queue",
        # The one that this program runs on.
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="app.handler",
        Role=role,
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": {"INVOICES": invoices}},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="queue-to-queue", WaiterConfig={"Delay": 0.1})


def main():
    sqs, functions, iam = boto3.client("sqs"), boto3.client("lambda"), boto3.client("iam")
    dead, dead_arn = queue(sqs, "orders-dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    orders, orders_arn = queue(sqs, "orders", VisibilityTimeout="10", RedrivePolicy=redrive)
    invoices, _ = queue(sqs, "invoices")
    function(iam, functions, invoices)
    functions.create_event_source_mapping(
        FunctionName="queue-to-queue", EventSourceArn=orders_arn, FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    sqs.send_message(QueueUrl=orders, MessageBody='{"id": "A1", "items": [{"price": 5, "count": 3}]}')
    sqs.send_message(QueueUrl=orders, MessageBody="this is no order")
    for name, url in (("invoices", invoices), ("orders-dead", dead)):
        while not (messages := sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages")):
            pass
        print(f"{name}: {messages[0]['Body']}")


if __name__ == "__main__":
    main()
