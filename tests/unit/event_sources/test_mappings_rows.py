"""Rows of a real PostgreSQL as a stream: what is told of each change, and that none is missed."""

import asyncio
import json
import os
import shutil
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import sqlalchemy as sa

from fakes.certificates import make_certificate
from fakes.clock import FakeClock
from fakes.postgres import fresh_database, own_postgres
from stoker.event_sources import source_secrets
from stoker.event_sources.mapping import Mapping, Options, SourceAccess
from stoker.event_sources.postgresql.address import Address, address_of
from stoker.event_sources.postgresql.database import Database
from stoker.event_sources.postgresql.problem import DatabaseProblemError, SlotGoneError
from stoker.event_sources.postgresql.rows import PostgresRows
from stoker.event_sources.shards import Page, Shard
from stoker.identity.sealing import Seal
from stoker.model.arn import FunctionId
from stoker.model.errors import InvalidParameterValueException
from stoker.store.tables_event_source_mappings import event_source_secrets

ARN = "arn:aws:postgresql:us-east-1:000000000000:db.example.com:5432/shop/orders"
SLOT = Shard(id="slot")
OPTIONS = Options(starting_position="LATEST")
Scene = Callable[["House"], Awaitable[None]]


class House:
    """A database with one reader, and somebody who writes."""

    def __init__(self, url: str) -> None:
        self.url = url
        place = urlsplit(url)
        self.address = Address(host="127.0.0.1", port=place.port or 0, database=place.path[1:])
        # Slots are of the whole server.
        self.name = f"stoker_{uuid.uuid4().hex}"
        self.position = ""
        self._readers: list[PostgresRows] = []

    def database(self, **address: Any) -> Database:
        where = {"host": self.address.host, "port": self.address.port, "database": self.address.database, **address}
        return Database(address=Address(**where), user="stoker", password="", name=self.name)

    def rows(self) -> PostgresRows:
        self._readers.append(PostgresRows(self.database(), ARN, FakeClock(1.0)))
        return self._readers[-1]

    async def close(self) -> None:
        """Whoever still reads, which a scene that fails leaves behind, and the slot."""
        for each in self._readers:
            await each.close()
        await self.database().forget()

    def run(self, *statements: str, together: bool = False) -> Any:
        with psycopg.connect(self.url, autocommit=not together) as connection:
            cursor = None
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchone() if cursor is not None and cursor.description else None

    async def read(self, rows: PostgresRows, count: int, most: int = 1000) -> list[dict[str, Any]]:
        """So many records, and the position after them in `position`."""
        events: list[dict[str, Any]] = []
        async with asyncio.timeout(90):
            while len(events) < count:
                # A page is what has arrived: a short one must not let the next reach beyond the count.
                most = min(most, count - len(events))
                page: Page = await rows.read(SLOT, self.position, most, None)
                events += [json.loads(each.record.event) for each in page.records]
                self.position = page.position
        assert len(events) == count
        return events

    async def changes(self, *statements: str, count: int) -> list[dict[str, Any]]:
        """What a new reader is told of what these do."""
        rows = self.rows()
        self.position = await rows.start(SLOT, OPTIONS)
        self.run(*statements)
        try:
            return await self.read(rows, count)
        finally:
            await rows.close()
            await self.database().forget()


@pytest.fixture
def play(postgres_server: str) -> Iterator[Callable[[Scene], None]]:
    with fresh_database(postgres_server, f"rows{uuid.uuid4().hex}") as url:

        def run(scene: Scene) -> None:
            house = House(url)

            async def on_stage() -> None:
                try:
                    await scene(house)
                finally:
                    await house.close()

            asyncio.run(on_stage())

        yield run


Play = Callable[[Scene], None]


def named(events: list[dict[str, Any]]) -> list[str]:
    return [event["eventName"] for event in events]


def ids(events: list[dict[str, Any]]) -> list[int]:
    return [int(event["dynamodb"]["Keys"]["id"]["N"]) for event in events]


def test_a_reader_that_is_still_there_is_waited_for_to_go_on_and_to_end(play: Callable[[Scene], None]) -> None:
    async def scene(house: House) -> None:
        house.run("CREATE TABLE t (id int PRIMARY KEY)")
        before, after = house.rows(), house.rows()
        house.position = await before.start(SLOT, OPTIONS)
        house.run("INSERT INTO t VALUES (1)")
        await house.read(before, 1)
        house.position = await after.start(SLOT, OPTIONS)
        for work, reader in ((house.read(after, 1), before), (house.database().forget(), after)):
            going_on = asyncio.ensure_future(work)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(going_on), 0.3)
            await reader.close()
            await going_on

    play(scene)


def test_a_row_s_life_is_told_in_the_shape_of_dynamodb_s_records(play: Play) -> None:
    async def scene(house: House) -> None:
        house.run("CREATE TABLE orders (id int PRIMARY KEY, state text)")
        inserted, changed, moved, deleted, emptied = await house.changes(
            "INSERT INTO orders VALUES (1, 'new')",
            "UPDATE orders SET state = 'paid'",
            "UPDATE orders SET id = 2",
            "DELETE FROM orders",
            "TRUNCATE orders",
            count=5,
        )
        assert named([inserted, changed, moved, deleted, emptied]) == [
            "INSERT",
            "MODIFY",
            "MODIFY",
            "REMOVE",
            "TRUNCATE",
        ]
        change = inserted.pop("dynamodb")
        assert inserted == {
            "eventID": change["SequenceNumber"],
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "stoker:postgresql",
            "awsRegion": "us-east-1",
            "relation": {"schema": "public", "name": "orders"},
            "transactionId": inserted["transactionId"],
            "eventSourceARN": ARN,
        }
        assert change["Keys"] == {"id": {"N": "1"}}
        assert change["NewImage"] == {"id": {"N": "1"}, "state": {"S": "new"}}
        assert change["StreamViewType"] == "NEW_IMAGE"
        assert "OldImage" not in change
        assert changed["dynamodb"]["NewImage"]["state"] == {"S": "paid"}
        assert (moved["dynamodb"]["Keys"], moved["dynamodb"]["OldImage"]) == ({"id": {"N": "2"}}, {"id": {"N": "1"}})
        assert deleted["dynamodb"]["Keys"] == {"id": {"N": "2"}}
        assert "NewImage" not in deleted["dynamodb"]
        assert emptied["relation"]["name"] == "orders"

    play(scene)


def test_with_the_full_row_as_identity_the_old_row_is_told_and_the_key_is_still_known(play: Play) -> None:
    async def scene(house: House) -> None:
        house.run("CREATE TABLE t (id int PRIMARY KEY, big text)", "ALTER TABLE t ALTER big SET STORAGE EXTERNAL")
        house.run("ALTER TABLE t REPLICA IDENTITY FULL")
        _, changed, deleted = await house.changes(
            "INSERT INTO t VALUES (1, repeat('x', 9000))", "UPDATE t SET id = 2", "DELETE FROM t", count=3
        )
        change = changed["dynamodb"]
        assert change["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        assert (change["Keys"], change["OldImage"]["id"]) == ({"id": {"N": "2"}}, {"N": "1"})
        # It was not changed, so it is told as a part of the old row alone.
        assert change["NewImage"]["big"] == change["OldImage"]["big"] == {"S": "x" * 9000}
        assert deleted["dynamodb"]["OldImage"]["id"] == {"N": "2"}

    play(scene)


def test_a_large_value_that_was_not_changed_is_named_and_not_told(play: Play) -> None:
    async def scene(house: House) -> None:
        house.run(
            "CREATE TABLE t (id int PRIMARY KEY, n int, big text)", "ALTER TABLE t ALTER big SET STORAGE EXTERNAL"
        )
        _, changed = await house.changes(
            "INSERT INTO t VALUES (1, 1, repeat('x', 9000))", "UPDATE t SET n = 2", count=2
        )
        assert changed["dynamodb"]["NewImage"] == {"id": {"N": "1"}, "n": {"N": "2"}}
        assert changed["dynamodb"]["UnchangedColumns"] == ["big"]

    play(scene)


LONG = "12345678901234567890.1234567890123456789012345678900"
TYPES = [
    ("numeric", LONG, {"N": LONG}),
    ("numeric", "NaN", {"N": "NaN"}),
    ("float8", "0.1", {"N": "0.1"}),
    ("int8", "-9223372036854775808", {"N": "-9223372036854775808"}),
    ("bool", "true", {"BOOL": True}),
    ("text", None, {"NULL": True}),
    ("text", "é\n\\", {"S": "é\n\\"}),
    ("bytea", "\\x00ff", {"B": "AP8="}),
    ("date", "2026-01-31", {"S": "2026-01-31"}),
    ("timestamptz", "2026-01-31 12:00:00.5+01", {"S": "2026-01-31 11:00:00.5+00"}),
    ("interval", "1 day 2 hours", {"S": "P1DT2H"}),
    ("uuid", "00000000-0000-0000-0000-00000000000a", {"S": "00000000-0000-0000-0000-00000000000a"}),
    (
        "jsonb",
        '{"a": [1.10, null, true, "x"]}',
        {"M": {"a": {"L": [{"N": "1.10"}, {"NULL": True}, {"BOOL": True}, {"S": "x"}]}}},
    ),
    ("json", "7", {"N": "7"}),
    ("int[]", "{1,NULL}", {"L": [{"N": "1"}, {"NULL": True}]}),
    (
        "text[]",
        '{{a,"b,c"},{NULL,"NULL"}}',
        {"L": [{"L": [{"S": "a"}, {"S": "b,c"}]}, {"L": [{"NULL": True}, {"S": "NULL"}]}]},
    ),
    ("jsonb[]", '{"{\\"a\\": 1}"}', {"L": [{"M": {"a": {"N": "1"}}}]}),
    ("mood", "sad", {"S": "sad"}),
]


def test_values_of_all_types_keep_every_digit(play: Play) -> None:
    async def scene(house: House) -> None:
        columns = ", ".join(f"c{n} {kind}" for n, (kind, _, _) in enumerate(TYPES))
        house.run("CREATE TYPE mood AS ENUM ('sad')", f"CREATE TABLE t (id int PRIMARY KEY, {columns})")
        rows = house.rows()
        house.position = await rows.start(SLOT, OPTIONS)
        with psycopg.connect(house.url, autocommit=True) as connection:
            connection.execute("SET TimeZone = 'Asia/Tokyo'")
            places = ", ".join(["%s"] * len(TYPES))
            connection.execute(f"INSERT INTO t VALUES (1, {places})", [text for _, text, _ in TYPES])
        (event,) = await house.read(rows, 1)
        await rows.close()
        image = event["dynamodb"]["NewImage"]
        assert [image[f"c{n}"] for n in range(len(TYPES))] == [value for _, _, value in TYPES]

    play(scene)


def test_a_transaction_is_told_whole_and_in_its_order_once_it_is_committed(play: Play) -> None:
    async def scene(house: House) -> None:
        house.run("CREATE TABLE t (id int PRIMARY KEY)")
        rows = house.rows()
        house.position = await rows.start(SLOT, OPTIONS)
        with psycopg.connect(house.url) as late:
            late.execute("INSERT INTO t SELECT generate_series(1, 30)")
            house.run("INSERT INTO t VALUES (100)")
            with pytest.raises(psycopg.errors.DivisionByZero):
                house.run("INSERT INTO t VALUES (200)", "SELECT 1/0", together=True)
            late.commit()
        events = await house.read(rows, 31, most=7)
        assert ids(events) == [100, *range(1, 31)]
        assert len({event["transactionId"] for event in events}) == 2
        numbers = [event["dynamodb"]["SequenceNumber"] for event in events]
        assert numbers == sorted(numbers)
        await rows.close()

    play(scene)


def test_reading_goes_on_within_a_transaction_where_it_was_done_with(play: Play) -> None:
    async def scene(house: House) -> None:
        house.run("CREATE TABLE t (id int PRIMARY KEY)")
        rows = house.rows()
        house.position = await rows.start(SLOT, OPTIONS)
        house.run("INSERT INTO t SELECT generate_series(1, 10)", "INSERT INTO t VALUES (11)")
        assert ids(await house.read(rows, 4, most=4)) == [1, 2, 3, 4]
        # Read, and not done with when it died: they come again.
        await rows.read(SLOT, house.position, 3, None)
        await rows.close()
        rows = house.rows()
        assert ids(await house.read(rows, 7, most=5)) == [5, 6, 7, 8, 9, 10, 11]
        await rows.close()

    play(scene)


def test_the_slot_moves_on_only_once_what_was_read_is_done_with(play: Play) -> None:
    async def scene(house: House) -> None:
        house.run("CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE other (id int)")
        database, rows = house.database(tables=(("public", "t"),)), house.rows()
        await database.prepare()
        house.position = await rows.start(SLOT, OPTIONS)

        def flushed() -> int:
            query = (
                "SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots WHERE slot_name = '" + house.name + "'"
            )
            return int(house.run(query)[0])

        async def moves_beyond(lsn: int) -> bool:
            async with asyncio.timeout(90):
                while flushed() <= lsn:  # noqa: ASYNC110 - the database does not signal
                    await asyncio.sleep(0.01)
            return True

        house.run("INSERT INTO t VALUES (1)")
        before = flushed()
        await house.read(rows, 1)
        await asyncio.sleep(0.1)
        assert flushed() == before
        # A window gathers on before anything is done with.
        one = house.position
        house.run("INSERT INTO t VALUES (2)")
        await house.read(rows, 1)
        await asyncio.sleep(0.1)
        assert flushed() == before
        rows.done(SLOT, one)
        assert await moves_beyond(before)
        before = flushed()
        rows.done(SLOT, house.position)
        reading = asyncio.create_task(rows.read(SLOT, house.position, 10, None))
        assert await moves_beyond(before)
        # What is not for us keeps no WAL either.
        before = flushed()
        house.run("INSERT INTO other SELECT generate_series(1, 1000)")
        assert await moves_beyond(before)
        house.run("INSERT INTO t VALUES (3)")
        assert [each.key for each in (await reading).records] == ["public.t"]
        await rows.close()

    play(scene)


def test_a_column_that_comes_while_changes_are_under_way_is_told_from_there_on(play: Play) -> None:
    async def scene(house: House) -> None:
        house.run("CREATE TABLE t (id int PRIMARY KEY)")
        first, second, third = await house.changes(
            "INSERT INTO t VALUES (1)",
            "ALTER TABLE t ADD extra text DEFAULT 'x'",
            "INSERT INTO t VALUES (2)",
            "ALTER TABLE t DROP extra",
            "INSERT INTO t VALUES (3)",
            count=3,
        )
        assert [sorted(each["dynamodb"]["NewImage"]) for each in (first, second, third)] == [
            ["id"],
            ["extra", "id"],
            ["id"],
        ]

    play(scene)


def test_a_row_that_no_function_could_be_given_is_told_by_its_key(play: Play) -> None:
    async def scene(house: House) -> None:
        house.run("CREATE TABLE t (id int PRIMARY KEY, big text)")
        (event,) = await house.changes("INSERT INTO t VALUES (1, repeat('x', 6000000))", count=1)
        assert event["dynamodb"]["Keys"] == {"id": {"N": "1"}}
        assert event["dynamodb"]["ImagesOmitted"] is True
        assert "NewImage" not in event["dynamodb"]

    play(scene)


def test_only_the_tables_that_are_named_are_told_and_partitions_by_their_table(play: Play) -> None:
    async def scene(house: House) -> None:
        house.run("CREATE SCHEMA s", 'CREATE TABLE s."A" (id int) PARTITION BY RANGE (id)', "CREATE TABLE b (id int)")
        house.run('CREATE TABLE s.a1 PARTITION OF s."A" DEFAULT')
        await house.database(tables=(("s", "A"),)).prepare()
        (event,) = await house.changes("INSERT INTO b VALUES (1)", 'INSERT INTO s."A" VALUES (2)', count=1)
        assert event["relation"] == {"schema": "s", "name": "A"}

    play(scene)


def test_a_slot_that_somebody_dropped_is_told_and_not_made_anew(play: Play) -> None:
    async def scene(house: House) -> None:
        house.run("CREATE TABLE t (id int PRIMARY KEY)")
        rows = house.rows()
        position = await rows.start(SLOT, OPTIONS)
        await house.database().forget()
        with pytest.raises(SlotGoneError):
            await rows.read(SLOT, position, 1, None)
        await rows.close()

    play(scene)


def test_what_keeps_a_database_from_being_read_is_told_in_its_words(play: Play) -> None:
    async def scene(house: House) -> None:
        house.run("DROP ROLE IF EXISTS clerk", "CREATE ROLE clerk LOGIN PASSWORD 'x'")
        clerk = Database(address=house.address, user="clerk", password="secret", name=house.name)
        with pytest.raises(DatabaseProblemError, match=r"permission denied|must be superuser"):
            await clerk.prepare()
        with pytest.raises(DatabaseProblemError, match="there is no publication mine"):
            await house.database(publication="mine").prepare()
        with pytest.raises(DatabaseProblemError, match=r'relation "public.nothing" does not exist'):
            await house.database(tables=(("public", "nothing"),)).prepare()
        with pytest.raises(DatabaseProblemError, match='database "nowhere" does not exist'):
            await house.database(database="nowhere").check()
        assert "secret" not in repr(clerk)
        house.run("DROP ROLE clerk")

    play(scene)


def test_a_certificate_is_looked_at_where_it_is_to_be(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    with own_postgres() as server:
        for file, name in ((certificate, "server.crt"), (key, "server.key")):
            place = server.root / name
            place.write_bytes(file.read_bytes())
            place.chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(place, "postgres", "postgres")
        server.stop("fast")
        settings = ("ssl=on", f"ssl_cert_file={server.root}/server.crt", f"ssl_key_file={server.root}/server.key")
        replace(server, settings=(*server.settings, *settings)).start()

        def check(sslmode: str) -> None:
            address = Address(host="127.0.0.1", port=server.port, database="postgres", sslmode=sslmode)
            asyncio.run(Database(address=address, user="stoker", password="", name="x").check())

        check("require")
        with pytest.raises(DatabaseProblemError, match=r"certificate verify failed|root certificate file"):
            check("verify-full")


def test_credentials_open_with_their_platform_s_key_alone_and_beside_their_mapping() -> None:
    engine = sa.create_engine("sqlite://")
    event_source_secrets.create(engine)
    access = (SourceAccess(kind="BASIC_AUTH", uri="basic:c2VjcmV0"),)
    mapping = Mapping(
        uuid="u-1",
        function=FunctionId(account="000000000000", region="us-east-1", name="f"),
        qualifier=None,
        source_arn=ARN,
        options=OPTIONS,
        state="Enabled",
        modified=0.0,
        access=access,
    )
    assert "c2VjcmV0" not in repr(mapping)
    seal = Seal(b"k" * 32)
    with engine.begin() as connection:
        source_secrets.put(connection, mapping, seal)
        assert source_secrets.all_of(connection, seal) == {"u-1": access}
        assert source_secrets.all_of(connection, Seal(b"x" * 32)) == {}
        connection.execute(sa.update(event_source_secrets).values(uuid="u-2"))
        assert source_secrets.all_of(connection, seal) == {}
        source_secrets.put(connection, replace(mapping, access=()), seal)
        source_secrets.delete(connection, "u-2")
        assert connection.execute(sa.select(event_source_secrets)).all() == []


def test_a_database_s_address_is_in_the_arn() -> None:
    prefix = "arn:aws:postgresql:us-east-1:000000000000:"
    assert address_of(f"{prefix}db.example.com:5432/shop") == Address(host="db.example.com", port=5432, database="shop")
    found = address_of(f"{prefix}[::1]:1/a%2Fb/t,s.T%2Cx?sslmode=verify-full")
    assert found == Address(
        host="::1", port=1, database="a/b", tables=(("public", "t"), ("s", "T,x")), sslmode="verify-full"
    )
    assert address_of(f"{prefix}h:1/d?publication=p").publication == "p"
    wrong = ("shop", "h/d", "h:1", "h:1/", "/var/run:5432/d", "a,b:1/d", "h:99999/d", "h:1/d/t?x=1", "h:1/d/a.b.c")
    for text in (*wrong, "h:1/d/,", "h:1/d/t?publication=p", "h:1/d?sslmode=allow", "h:1/d?publication="):
        with pytest.raises(InvalidParameterValueException):
            address_of(prefix + text)
