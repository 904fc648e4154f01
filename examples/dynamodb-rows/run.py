"""Set everything up on a running Stoker, change a row, and show what the bucket keeps of it.

    .venv/bin/python examples/dynamodb-rows/run.py

Clients find Stoker as always: AWS_ENDPOINT_URL, and the credentials in the data directory.
"""

import io
import json
import sys
import time
import zipfile
from pathlib import Path

import boto3

NAME = "dynamodb-rows"
ASSUME = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
KEEP = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{NAME}/*"}
READ = {
    "Effect": "Allow",
    "Action": ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"],
    "Resource": f"arn:aws:dynamodb:*:*:table/{NAME}/stream/*",
}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def function(iam, functions):
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=policy(ASSUME))["Role"]["Arn"]
    iam.put_role_policy(RoleName=NAME, PolicyName="keep", PolicyDocument=policy(KEEP, READ))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(Path(__file__).with_name("app.py"), "app.py")
    functions.create_function(
        FunctionName=NAME,
        # The one that this program runs on.
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="app.handler",
        Role=role,
        Timeout=30,
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": {"BUCKET": NAME}},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=NAME, WaiterConfig={"Delay": 0.1})


def table(dynamodb):
    """A table with a stream of changes; the stream's ARN."""
    made = dynamodb.create_table(
        TableName=NAME,
        AttributeDefinitions=[{"AttributeName": "order", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "order", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return made["TableDescription"]["LatestStreamArn"]


def kept(s3):
    """The changes that are in the bucket, in the order in which they were made."""
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=NAME).get("Contents", [])]
    texts = [s3.get_object(Bucket=NAME, Key=key)["Body"].read().decode() for key in keys]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def main():
    s3, functions, iam = boto3.client("s3"), boto3.client("lambda"), boto3.client("iam")
    s3.create_bucket(Bucket=NAME)
    function(iam, functions)
    dynamodb = boto3.client("dynamodb")
    functions.create_event_source_mapping(
        FunctionName=NAME, EventSourceArn=table(dynamodb), StartingPosition="TRIM_HORIZON"
    )
    order = {"order": {"S": "A1"}, "total": {"N": "15.5"}, "state": {"S": "new"}}
    dynamodb.put_item(TableName=NAME, Item=order)
    dynamodb.update_item(
        TableName=NAME,
        Key={"order": order["order"]},
        UpdateExpression="SET #state = :paid",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":paid": {"S": "paid"}},
    )
    dynamodb.delete_item(TableName=NAME, Key={"order": order["order"]})
    while len(changes := kept(s3)) < 3:
        time.sleep(0.1)
    for change in changes:
        told = change["dynamodb"]
        print(change["eventName"], told.get("OldImage", {}).get("state"), told.get("NewImage", {}).get("state"))


if __name__ == "__main__":
    main()
