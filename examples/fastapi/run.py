"""FastAPI behind an HTTP API, set up on a running Stoker and held to its own tests: `.venv/bin/python run.py`.

Clients find Stoker as always: AWS_ENDPOINT_URL, and the credentials in the data directory.
"""

import os
import subprocess
import sys
from pathlib import Path

import boto3

HERE = Path(__file__).parent
NAME = "fastapi"


def main():
    subprocess.run([Path(sys.executable).with_name("stoker"), "deploy", HERE], check=True, stdout=subprocess.DEVNULL)
    functions, gateway = boto3.client("lambda"), boto3.client("apigatewayv2")
    arn = functions.get_function(FunctionName=NAME)["Configuration"]["FunctionArn"]
    _, _, _, region, account, *_ = arn.split(":")
    # One call makes the API, its one route for everything, and a stage.
    api = gateway.create_api(Name=NAME, ProtocolType="HTTP", Target=arn)
    functions.add_permission(
        FunctionName=NAME,
        StatementId=f"api-{api['ApiId']}",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{region}:{account}:{api['ApiId']}/*",
    )
    address = api["ApiEndpoint"]
    tests = [sys.executable, "-m", "unittest", "-q", "test_items"]
    subprocess.run(tests, check=True, cwd=HERE, env={**os.environ, "ITEMS_URL": address})
    print(f"open {address}/docs in a browser")


if __name__ == "__main__":
    main()
