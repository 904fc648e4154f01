"""Set everything up on a running Stoker, put a photograph into a bucket, and fetch its thumbnails from the other.

    .venv/bin/python examples/thumbnails/run.py

Clients find Stoker as always: AWS_ENDPOINT_URL, and the credentials in the data directory.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import boto3

HERE = Path(__file__).parent
PHOTO = HERE.parent / "thumbnail" / "photo.jpg"
STOKER = Path(sys.executable).with_name("stoker")
NAME, PHOTOS, THUMBNAILS = "thumbnails", "photos", "photos-thumbnails"
ASSUME = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{PHOTOS}/*"}
WRITE = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{THUMBNAILS}/*"}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def function(iam, functions):
    """The function with Pillow beside it, which `stoker deploy` installs; its ARN."""
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=policy(ASSUME))["Role"]["Arn"]
    iam.put_role_policy(RoleName=NAME, PolicyName="photos", PolicyDocument=policy(READ, WRITE))
    subprocess.run([STOKER, "deploy", HERE, "--role", role], check=True, stdout=subprocess.DEVNULL)
    functions.add_permission(
        FunctionName=NAME,
        StatementId="photos",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{PHOTOS}",
    )
    return functions.get_function_configuration(FunctionName=NAME)["FunctionArn"]


def main():
    s3, functions, iam = boto3.client("s3"), boto3.client("lambda"), boto3.client("iam")
    for bucket in (PHOTOS, THUMBNAILS):
        s3.create_bucket(Bucket=bucket)
    told = {
        "LambdaFunctionArn": function(iam, functions),
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".jpg"}]}},
    }
    s3.put_bucket_notification_configuration(
        Bucket=PHOTOS, NotificationConfiguration={"LambdaFunctionConfigurations": [told]}
    )
    s3.upload_file(str(PHOTO), PHOTOS, "lake at dusk.jpg")
    while len(made := s3.list_objects_v2(Bucket=THUMBNAILS).get("Contents", [])) < 2:
        time.sleep(0.1)
    for thumbnail in made:
        print(f"{thumbnail['Key']}: {thumbnail['Size']} bytes of {PHOTO.stat().st_size}")


if __name__ == "__main__":
    main()
