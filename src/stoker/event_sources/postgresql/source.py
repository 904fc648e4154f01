"""PostgreSQL as a source: rows that change, by the database's own logical replication."""

import base64
import binascii
from typing import TYPE_CHECKING

from stoker.event_sources.mapping import Mapping
from stoker.event_sources.postgresql.address import Address, address_of
from stoker.event_sources.source import Abilities
from stoker.model.clock import Clock
from stoker.model.errors import InvalidParameterValueException

if TYPE_CHECKING:
    from stoker.event_sources.postgresql.database import Database
    from stoker.event_sources.postgresql.rows import PostgresRows

BASIC_AUTH = "BASIC_AUTH"
_BASIC = "basic:"
ABILITIES = Abilities(label="PostgreSQL", batch_size=100, streams=True, access=(BASIC_AUTH,))


class PostgresSource:
    """Databases anywhere. The address is in the ARN (`address.py`), user and password are in the mapping's access:
    `{"Type": "BASIC_AUTH", "URI": "basic:" + base64("USER:PASSWORD")}`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __repr__(self) -> str:
        return "<PostgresSource>"

    def abilities(self, source_arn: str) -> Abilities:
        return ABILITIES

    async def check(self, mapping: Mapping, *, timeout_s: int, role_arn: str) -> None:
        """What can be said without the database: it may come up later, and the mapping says what is wrong with it."""
        address_of(mapping.source_arn)
        _user_of(mapping)
        if mapping.options.parallelization > 1:
            raise _invalid("A database's changes have one order: ParallelizationFactor must be 1.")
        if mapping.options.starting_position == "AT_TIMESTAMP":
            raise _invalid("Unsupported starting position for this event source type: AT_TIMESTAMP.")

    async def open(self, mapping: Mapping) -> "PostgresRows":
        from stoker.event_sources.postgresql.rows import PostgresRows

        return PostgresRows(database_of(mapping), mapping.source_arn, self._clock)

    async def forget(self, mapping: Mapping) -> None:
        await database_of(mapping).forget()


def database_of(mapping: Mapping) -> "Database":
    """The slot is named after the mapping: another one has another."""
    # With psycopg, which costs 10 MB and is needed by who has such mappings.
    from stoker.event_sources.postgresql.database import Database

    address: Address = address_of(mapping.source_arn)
    user, password = _user_of(mapping)
    name = f"stoker_{mapping.uuid.replace('-', '')}"
    return Database(address=address, user=user, password=password, name=name)


def _user_of(mapping: Mapping) -> tuple[str, str]:
    """Never shows what it was given."""
    for access in mapping.access:
        if access.kind == BASIC_AUTH and access.uri.startswith(_BASIC):
            try:
                text = base64.b64decode(access.uri.removeprefix(_BASIC), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                break
            user, colon, password = text.partition(":")
            if user and colon and "\0" not in text:
                return user, password
    raise _invalid(
        'SourceAccessConfigurations must have {"Type": "BASIC_AUTH", "URI": "basic:" + base64("USER:PASSWORD")}.'
    )


def _invalid(text: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(text, Type="User")
