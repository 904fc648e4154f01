"""Set everything up on a running Stoker, change a row, and show what the bucket keeps of it.

    .venv/bin/python examples/postgres-rows/run.py postgresql://USER:PASSWORD@127.0.0.1:5432/DATABASE

Clients find Stoker as always: AWS_ENDPOINT_URL, and the credentials in the data directory. The database's wal_level has
to be `logical`, and its user may replicate (`ALTER ROLE … REPLICATION`) and own the table, which is made.
"""

import base64
import io
import json
import sys
import time
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import boto3
import psycopg

NAME = "postgres-rows"
ASSUME = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
KEEP = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{NAME}/*"}


def policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def function(iam, functions):
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=policy(ASSUME))["Role"]["Arn"]
    iam.put_role_policy(RoleName=NAME, PolicyName="keep", PolicyDocument=policy(KEEP))
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


def mapping(functions, database):
    """From the table `orders` to the function; the user and the password are kept sealed."""
    place = urlsplit(database)
    user = base64.b64encode(f"{unquote(place.username)}:{unquote(place.password or '')}".encode()).decode()
    host = f"{place.hostname}:{place.port or 5432}"
    made = functions.create_event_source_mapping(
        FunctionName=NAME,
        EventSourceArn=f"arn:aws:postgresql:{functions.meta.region_name}:000000000000:{host}/{place.path[1:]}/orders",
        SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": f"basic:{user}"}],
        StartingPosition="LATEST",
        FilterCriteria={"Filters": [{"Pattern": '{"eventName": ["INSERT", "MODIFY", "REMOVE"]}'}]},
    )
    while True:
        found = functions.get_event_source_mapping(UUID=made["UUID"])
        if found["LastProcessingResult"].startswith("PROBLEM"):
            sys.exit(found["LastProcessingResult"])
        if found["State"] == "Enabled":
            return
        time.sleep(0.1)


def kept(s3):
    """The changes that are in the bucket, in the order in which they were made."""
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=NAME).get("Contents", [])]
    texts = [s3.get_object(Bucket=NAME, Key=key)["Body"].read().decode() for key in keys]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def main():
    database = sys.argv[1]
    s3, functions, iam = boto3.client("s3"), boto3.client("lambda"), boto3.client("iam")
    s3.create_bucket(Bucket=NAME)
    function(iam, functions)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS orders (id int PRIMARY KEY, total numeric, state text)")
        mapping(functions, database)
        connection.execute("INSERT INTO orders VALUES (1, 15.50, 'new')")
        connection.execute("UPDATE orders SET state = 'paid'")
        connection.execute("DELETE FROM orders")
    while len(changes := kept(s3)) < 3:
        time.sleep(0.1)
    for change in changes:
        told = change["dynamodb"]
        print(change["eventName"], told["Keys"], told.get("NewImage"))


if __name__ == "__main__":
    main()
