"""A message goes from one queue through a function, which transforms it, into another."""

import json
import os

import boto3

sqs = boto3.client("sqs")


def handler(event, context):
    """Tell the other queue of each order; one that makes no sense goes back, and in the end to the dead letters."""
    failures = []
    for record in event["Records"]:
        try:
            order = json.loads(record["body"])
            total = sum(item["price"] * item["count"] for item in order["items"])
        except (KeyError, TypeError, ValueError):
            failures.append({"itemIdentifier": record["messageId"]})
            continue
        invoice = {"order": order["id"], "total": total}
        sqs.send_message(QueueUrl=os.environ["INVOICES"], MessageBody=json.dumps(invoice))
    return {"batchItemFailures": failures}
