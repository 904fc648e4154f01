"""A table, a function and an API in front of it, set up on a running Stoker and used: `.venv/bin/python run.py`.

Clients find Stoker as always: AWS_ENDPOINT_URL, and the credentials in the data directory.
"""

import io
import json
import sys
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

import boto3

NAME = "users-api"
ROUTES = ["GET /", "GET /users", "POST /users", "GET /users/{id}", "DELETE /users/{id}"]
ASSUME = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def table(dynamodb):
    made = dynamodb.create_table(
        TableName=NAME,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=NAME, WaiterConfig={"Delay": 1})
    return made["TableDescription"]["TableArn"]


def function(iam, functions, table_arn):
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=policy(ASSUME))["Role"]["Arn"]
    use = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": table_arn}
    iam.put_role_policy(RoleName=NAME, PolicyName="table", PolicyDocument=policy(use))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(Path(__file__).with_name("app.py"), "app.py")
    made = functions.create_function(
        FunctionName=NAME,
        # The one that this program runs on.
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="app.handler",
        Role=role,
        Timeout=20,
        MemorySize=256,
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": {"TABLE": NAME}},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=NAME, WaiterConfig={"Delay": 0.1})
    return made["FunctionArn"]


def api(gateway, functions, function_arn):
    made = gateway.create_api(Name=NAME, ProtocolType="HTTP")
    api_id, (_, _, _, region, account, *_) = made["ApiId"], function_arn.split(":")
    integration = gateway.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=function_arn, PayloadFormatVersion="2.0"
    )
    for key in ROUTES:
        gateway.create_route(ApiId=api_id, RouteKey=key, Target=f"integrations/{integration['IntegrationId']}")
    gateway.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    functions.add_permission(
        FunctionName=NAME,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{region}:{account}:{api_id}/*",
    )
    return made["ApiEndpoint"]


def main():
    iam, functions = boto3.client("iam"), boto3.client("lambda")
    arn = function(iam, functions, table(boto3.client("dynamodb")))
    address = api(boto3.client("apigatewayv2"), functions, arn)
    # What a browser's form sends; it follows the answer back to the page.
    form = urllib.parse.urlencode({"name": "Ada", "email": "ada@example.com"}).encode()
    with urllib.request.urlopen(f"{address}/users", form) as page:
        print("on the page:", "Ada" in page.read().decode())
    with urllib.request.urlopen(f"{address}/users") as listed:
        print("in the list:", [user["name"] for user in json.load(listed)])
    print(f"open {address}/ in a browser, or")
    grace = json.dumps({"name": "Grace", "email": "grace@example.com"})
    print(f"curl {address}/users -H 'Content-Type: application/json' -d '{grace}'")


if __name__ == "__main__":
    main()
