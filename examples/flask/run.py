"""Flask behind a REST API, set up on a running Stoker and held to its own tests: `.venv/bin/python run.py`.

Clients find Stoker as always: AWS_ENDPOINT_URL, and the credentials in the data directory.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3

HERE = Path(__file__).parent
NAME, STAGE = "flask", "demo"


def openapi(region, function):
    """An API whose every path is the function's."""
    proxy = {
        "responses": {},
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations",
        },
    }
    return {
        "swagger": "2.0",
        "info": {"title": NAME, "version": "1"},
        "x-amazon-apigateway-binary-media-types": ["*/*"],
        "paths": {path: {"x-amazon-apigateway-any-method": proxy} for path in ("/", "/{proxy+}")},
    }


def main():
    subprocess.run([Path(sys.executable).with_name("stoker"), "deploy", HERE], check=True, stdout=subprocess.DEVNULL)
    functions, gateway = boto3.client("lambda"), boto3.client("apigateway")
    arn = functions.get_function(FunctionName=NAME)["Configuration"]["FunctionArn"]
    _, _, _, region, account, *_ = arn.split(":")
    api_id = gateway.import_rest_api(body=json.dumps(openapi(region, arn)))["id"]
    functions.add_permission(
        FunctionName=NAME,
        StatementId=f"api-{api_id}",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{region}:{account}:{api_id}/*",
    )
    gateway.create_deployment(restApiId=api_id, stageName=STAGE)
    address = f"{os.environ['AWS_ENDPOINT_URL']}/_stoker/api/{api_id}/{STAGE}"
    tests = [sys.executable, "-m", "unittest", "-q", "test_notes"]
    subprocess.run(tests, check=True, cwd=HERE, env={**os.environ, "NOTES_URL": address})
    print(f"open {address}/ in a browser")


if __name__ == "__main__":
    main()
