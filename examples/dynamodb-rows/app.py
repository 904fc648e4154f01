"""Rows that changed in a table are kept in a bucket: one object for each batch, one line for each change."""

import json
import os

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    """Named by its first change, so that a batch that comes again is the same object again."""
    records = event["Records"]
    lines = "".join(f"{json.dumps(record)}\n" for record in records)
    key = f"changes/{records[0]['dynamodb']['SequenceNumber']}.jsonl"
    s3.put_object(Bucket=os.environ["BUCKET"], Key=key, Body=lines.encode())
