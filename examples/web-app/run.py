"""A web server behind APIs and a function URL, set up on a running Stoker: `.venv/bin/python run.py`.

Clients find Stoker as always: AWS_ENDPOINT_URL, and the credentials in the data directory.
"""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3

HERE = Path(__file__).parent
NAME, STREAMED, STAGE = "web-app", "web-app-streamed", "demo"
STOKER = Path(sys.executable).with_name("stoker")


def layer(functions):
    """The web adapter, for any function."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted((HERE / "layer").rglob("*")):
            # Which of them are programs goes with it.
            archive.write(path, path.relative_to(HERE / "layer"))
    made = functions.publish_layer_version(LayerName="web-adapter", Content={"ZipFile": content.getvalue()})
    return made["LayerVersionArn"]


def deploy(functions, name, layer_arn, *options):
    command = [STOKER, "deploy", HERE / "app", "--name", name, "--layer", layer_arn, *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]


def allow_api(functions, arn, api_id):
    _, _, _, region, account, *_ = arn.split(":")
    functions.add_permission(
        FunctionName=arn,
        StatementId=f"api-{api_id}",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{region}:{account}:{api_id}/*",
    )
    return f"{os.environ['AWS_ENDPOINT_URL']}/_stoker/api/{api_id}"


def http_api(functions, arn):
    made = boto3.client("apigatewayv2").create_api(Name=NAME, ProtocolType="HTTP", Target=arn)
    return allow_api(functions, arn, made["ApiId"])


def rest_api(functions, arn):
    gateway = boto3.client("apigateway")
    proxy = {
        "responses": {},
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": f"arn:aws:apigateway:{arn.split(':')[3]}:lambda:path/2015-03-31/functions/{arn}/invocations",
        },
    }
    definition = {
        "swagger": "2.0",
        "info": {"title": NAME, "version": "1"},
        "x-amazon-apigateway-binary-media-types": ["*/*"],
        "paths": {path: {"x-amazon-apigateway-any-method": proxy} for path in ("/", "/{proxy+}")},
    }
    api_id = gateway.import_rest_api(body=json.dumps(definition))["id"]
    gateway.create_deployment(restApiId=api_id, stageName=STAGE)
    return f"{allow_api(functions, arn, api_id)}/{STAGE}"


def function_url(functions, arn):
    made = functions.create_function_url_config(FunctionName=arn, AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    everybody = {"FunctionName": arn, "Principal": "*"}
    functions.add_permission(
        **everybody, StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE"
    )
    functions.add_permission(
        **everybody, StatementId="function", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True
    )
    return made["FunctionUrl"].rstrip("/")


def main():
    functions = boto3.client("lambda")
    adapter = layer(functions)
    arn = deploy(functions, NAME, adapter)
    buffered = [http_api(functions, arn), rest_api(functions, arn)]
    arn = deploy(functions, STREAMED, adapter, "--env", "AWS_LWA_INVOKE_MODE=response_stream")
    streamed = function_url(functions, arn)
    tests = [sys.executable, "-m", "unittest", "-q", "test_app"]
    environment = {**os.environ, "APP_URLS": " ".join([*buffered, streamed]), "STREAMED_URL": streamed}
    subprocess.run(tests, check=True, cwd=HERE, env=environment)
    for address in (*buffered, streamed):
        print(f"open {address}/ in a browser")


if __name__ == "__main__":
    main()
