"""Rows of PostgreSQL that start functions, with the client that everybody has."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from fakes.deployment import Deployment
from fakes.live_server import LiveServer
from fakes.postgres import PostgresServer, own_postgres
from fakes.waiting import eventually, eventually_none

TELLS = """
    import json
    def handler(event, context):
        for record in event["Records"]:
            print("GOT", json.dumps([record["eventName"], record["dynamodb"]["Keys"]["id"]["N"]]))
            if record["dynamodb"].get("NewImage", {}).get("state") == {"S": "poison"}:
                raise ValueError("poison")
"""
PASSWORD = "wh4t-n0b0dy-is-to-see"
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with own_postgres() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE reader SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
            connection.execute("CREATE TABLE orders (id int PRIMARY KEY, state text)")
        yield server


@pytest.fixture
def run(postgres: PostgresServer) -> Run:
    def run(statement: str) -> Any:
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else None

    return run


def access(password: str = PASSWORD) -> list[dict[str, str]]:
    secret = base64.b64encode(f"reader:{password}".encode()).decode()
    return [{"Type": "BASIC_AUTH", "URI": f"basic:{secret}"}]


def mapping_of(server: LiveServer, postgres: PostgresServer, name: str, **options: Any) -> dict[str, Any]:
    """A mapping that is at work."""
    client = server.client("lambda")
    made = client.create_event_source_mapping(
        **{
            "FunctionName": name,
            "EventSourceArn": f"arn:aws:postgresql:us-east-1:000000000000:127.0.0.1:{postgres.port}/postgres/orders",
            "SourceAccessConfigurations": access(),
            "StartingPosition": "LATEST",
            **options,
        }
    )
    return until(server, made, lambda found: found["State"] == "Enabled")


def until(server: LiveServer, made: dict[str, Any], true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    client = server.client("lambda")

    def look() -> Any:
        found = client.get_event_source_mapping(UUID=made["UUID"])
        return found if true(found) else None

    found: dict[str, Any] = eventually(look, "the mapping to be so")
    return found


def deleted(server: LiveServer, made: dict[str, Any]) -> None:
    client = server.client("lambda")
    client.delete_event_source_mapping(UUID=made["UUID"])
    eventually_none(
        lambda: [
            each["UUID"]
            for each in client.list_event_source_mappings()["EventSourceMappings"]
            if each["UUID"] == made["UUID"]
        ],
        "the mapping",
    )


def heard(server: LiveServer, name: str) -> list[tuple[str, int]]:
    """The changes that a function said it got."""
    logs = server.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        messages = [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    told = [json.loads(message[4:]) for message in messages if message.startswith("GOT ")]
    return [(name, int(number)) for name, number in told]


def test_a_row_that_changes_starts_a_function_until_the_mapping_is_deleted(
    live_server: LiveServer, postgres: PostgresServer, run: Run
) -> None:
    name = Deployment(live_server.client("lambda")).deploy(TELLS)
    pattern = json.dumps({"dynamodb": {"NewImage": {"state": {"S": [{"anything-but": ["draft"]}]}}}})
    made = mapping_of(live_server, postgres, name, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    run("INSERT INTO orders VALUES (1, 'new'), (2, 'draft'), (3, 'new')")
    run("UPDATE orders SET state = 'paid' WHERE id = 1")
    wanted = [("INSERT", 1), ("INSERT", 3), ("MODIFY", 1)]
    eventually(lambda: heard(live_server, name) == wanted, "the changes to be heard")
    found = until(live_server, made, lambda found: found["LastProcessingResult"] == "OK")
    assert found["BatchSize"] == 100
    assert found["SourceAccessConfigurations"] == [{"Type": "BASIC_AUTH", "URI": "*****"}]
    assert len(run("SELECT slot_name FROM pg_replication_slots WHERE active")) == 1
    deleted(live_server, made)
    assert run("SELECT slot_name FROM pg_replication_slots") == run("SELECT pubname FROM pg_publication") == []
    run("DELETE FROM orders")


def test_a_batch_that_always_fails_is_given_up_and_the_wal_goes_on(
    live_server: LiveServer, postgres: PostgresServer, run: Run
) -> None:
    sqs, queue = live_server.client("sqs"), f"q{uuid.uuid4().hex}"
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    name = Deployment(live_server.client("lambda")).deploy(TELLS, Role="arn:aws:iam::000000000000:role/e2e")
    made = mapping_of(
        live_server,
        postgres,
        name,
        MaximumRetryAttempts=0,
        BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:sqs:us-east-1:000000000000:{queue}"}},
    )
    run("INSERT INTO orders VALUES (1, 'new'), (2, 'poison'), (3, 'new')")
    (message,) = eventually(
        lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages"), "the row to be given up"
    )
    document = json.loads(message["Body"])
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["PostgreSQLBatchInfo"]["batchSize"] == 1
    eventually(lambda: ("INSERT", 3) in heard(live_server, name), "what comes after to be heard")
    # Up to here all is done with; what PostgreSQL writes of its own accord is not waited for.
    ((reached,),) = run("SELECT pg_current_wal_lsn()::text")
    behind = f"SELECT slot_name, confirmed_flush_lsn FROM pg_replication_slots WHERE confirmed_flush_lsn < '{reached}'"
    eventually_none(lambda: [str(row) for row in run(behind)], f"a slot before {reached}")
    deleted(live_server, made)
    run("DELETE FROM orders")


def test_what_keeps_a_database_from_being_read_is_shown_and_passes(
    live_server: LiveServer, postgres: PostgresServer, run: Run
) -> None:
    name = Deployment(live_server.client("lambda")).deploy(TELLS)
    arn = f"arn:aws:postgresql:us-east-1:000000000000:127.0.0.1:{postgres.port}/nowhere/orders"
    made = mapping_of(live_server, postgres, name, EventSourceArn=arn)
    found = until(live_server, made, lambda found: found["LastProcessingResult"].startswith("PROBLEM"))
    assert found["LastProcessingResult"].endswith('database "nowhere" does not exist')
    run("CREATE DATABASE nowhere")
    with psycopg.connect(f"{postgres.url.rpartition('/')[0]}/nowhere", autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (id int PRIMARY KEY)")
        active = "SELECT slot_name FROM pg_replication_slots WHERE active"
        eventually(lambda: connection.execute(active).fetchall(), "the database to be read")
        connection.execute("INSERT INTO orders VALUES (1)")
    eventually(lambda: heard(live_server, name) == [("INSERT", 1)], "the change to be heard")
    deleted(live_server, made)


def test_a_password_is_neither_shown_nor_kept_in_clear(live_server: LiveServer, postgres: PostgresServer) -> None:
    client = live_server.client("lambda")
    name = Deployment(client).deploy(TELLS)
    made = mapping_of(live_server, postgres, name)
    client.update_event_source_mapping(
        UUID=made["UUID"], SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": "*****"}], BatchSize=7
    )
    found = until(live_server, made, lambda found: found["State"] == "Enabled")
    assert found["BatchSize"] == 7
    secret = access()[0]["URI"].removeprefix("basic:")
    with pytest.raises(ClientError) as caught:
        client.update_event_source_mapping(
            UUID=made["UUID"], SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": f"basic:{secret}?"}]
        )
    assert secret not in str(caught.value)
    deleted(live_server, made)
    for file, content in live_server.files():
        assert PASSWORD.encode() not in content, file
        assert secret.encode() not in content, file


def test_a_mapping_that_cannot_be_is_refused(live_server: LiveServer, postgres: PostgresServer) -> None:
    name = Deployment(live_server.client("lambda")).deploy(TELLS)

    def refusal(**options: Any) -> str:
        with pytest.raises(ClientError) as caught:
            mapping_of(live_server, postgres, name, **options)
        error: Any = caught.value.response["Error"]
        assert error["Code"] == "InvalidParameterValueException"
        message: str = error["Message"]
        return message

    assert "ParallelizationFactor must be 1" in refusal(ParallelizationFactor=2)
    assert "AT_TIMESTAMP" in refusal(StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1.0)
    assert "BASIC_AUTH" in refusal(SourceAccessConfigurations=[])
    assert "not for PostgreSQL" in refusal(SourceAccessConfigurations=[{"Type": "VPC_SUBNET", "URI": "subnet:x"}])
    assert "is named arn:aws:postgresql" in refusal(EventSourceArn="arn:aws:postgresql:us-east-1:000000000000:x")
    unreadable = refusal(SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": f"basic:{PASSWORD}"}])
    assert PASSWORD not in unreadable


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_neither_a_killed_stoker_nor_a_killed_postgresql_loses_a_row(own_server: LiveServer) -> None:
    own_server.start()
    name = Deployment(own_server.client("lambda")).deploy(TELLS)
    with own_postgres() as postgres:
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE reader SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
            connection.execute("CREATE TABLE orders (id int PRIMARY KEY, state text)")
        made = mapping_of(own_server, postgres, name, BatchSize=10)

        def insert(first: int, last: int) -> None:
            with psycopg.connect(postgres.url, autocommit=True) as connection:
                # In transactions of seven, so that batches end within them.
                for start in range(first, last, 7):
                    connection.execute(f"INSERT INTO orders SELECT generate_series({start}, {min(start + 6, last)})")

        insert(1, 70)
        own_server.kill()
        insert(71, 140)
        own_server.start()
        insert(141, 210)
        eventually(lambda: len(heard(own_server, name)) > 150, "reading to go on")
        postgres.stop()
        postgres.start()
        insert(211, 280)
        eventually(lambda: ("INSERT", 280) in heard(own_server, name), "the last to be heard")
        numbers = [number for _, number in heard(own_server, name)]
        assert set(numbers) == set(range(1, 281))
        # What comes again is a batch, in its order; nothing overtakes.
        firsts = list(dict.fromkeys(numbers))
        assert firsts == sorted(firsts)
        # Deleted while the database is away, it takes its slot with it once that is back.
        postgres.stop()
        own_server.client("lambda").delete_event_source_mapping(UUID=made["UUID"])
        told = until(
            own_server, made, lambda found: found["LastProcessingResult"].startswith("PROBLEM: cannot connect")
        )
        assert told["State"] == "Deleting"
        postgres.start()
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            slots = "SELECT slot_name FROM pg_replication_slots"
            eventually_none(lambda: connection.execute(slots).fetchall(), "a slot")
