"""A log shipper in a layer: `.venv/bin/python run.py` makes a bucket and a function with the layer, calls it, and shows
what arrived in the bucket once the function's environment was let go.

Clients find Stoker as always: AWS_ENDPOINT_URL, and the credentials in the data directory.
"""

import io
import json
import sys
import time
import zipfile
from pathlib import Path

import boto3

NAME = "extension"
HERE = Path(__file__).parent
ASSUME = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
PUT = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{NAME}-logs/*"}


def policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def packed(directory, *names):
    """A zip of files; which of them are programs goes with it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.write(directory / name, name)
    return {"ZipFile": content.getvalue()}


def main():
    iam, functions, s3 = boto3.client("iam"), boto3.client("lambda"), boto3.client("s3")
    s3.create_bucket(Bucket=f"{NAME}-logs")
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=policy(ASSUME))["Role"]["Arn"]
    iam.put_role_policy(RoleName=NAME, PolicyName="put", PolicyDocument=policy(PUT))
    layer = functions.publish_layer_version(
        LayerName="log-shipper", Content=packed(HERE / "layer", "extensions/log-shipper")
    )
    functions.create_function(
        FunctionName=NAME,
        # The one that this program runs on.
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="app.handler",
        Role=role,
        Timeout=30,
        Code=packed(HERE, "app.py"),
        Layers=[layer["LayerVersionArn"]],
        Environment={"Variables": {"LOG_BUCKET": f"{NAME}-logs"}},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=NAME, WaiterConfig={"Delay": 0.1})
    for order in (1, 2):
        functions.invoke(FunctionName=NAME, Payload=json.dumps({"order": order}))
    # Any change lets its environments go: the extension is told, and has two seconds for what is left.
    functions.update_function_configuration(FunctionName=NAME, Description="and now the end")

    lines, end = [], time.monotonic() + 120
    while len([line for line in lines if line.startswith("platform.report")]) < 2 and time.monotonic() < end:
        time.sleep(0.2)
        found = s3.list_objects_v2(Bucket=f"{NAME}-logs").get("Contents", [])
        batches = [s3.get_object(Bucket=f"{NAME}-logs", Key=each["Key"])["Body"].read() for each in found]
        events = sorted((event for batch in batches for event in json.loads(batch)), key=lambda event: event["time"])
        lines = [f"{event['type']}: {json.dumps(event['record'])}" for event in events]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
