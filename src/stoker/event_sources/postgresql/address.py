"""What the ARN of a database's rows says. Pure.

`arn:aws:postgresql:REGION:ACCOUNT:HOST:PORT/DATABASE/TABLES?publication=NAME&sslmode=MODE`: tables are separated by
commas, each with its schema unless that is `public`; without tables, or with `*`, all of the database. A publication
that is named is somebody else's and says itself which tables it is about. Signs that mean something here are
percent-encoded.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from stoker.model.errors import InvalidParameterValueException

ARN_FORM = "arn:aws:postgresql:REGION:ACCOUNT:HOST:PORT/DATABASE/SCHEMA.TABLE,…"
# No slash, so that it can be no path of a socket, and no comma: that would be several hosts.
_PLACE = re.compile(r"(?P<host>[A-Za-z0-9][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_SSL_MODES = ("disable", "prefer", "require", "verify-full")


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a database is, and which of its tables are meant: (schema, name); none are all."""

    host: str
    port: int
    database: str
    tables: tuple[tuple[str, str], ...] = ()
    publication: str | None = None
    sslmode: str = "prefer"

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"


def address_of(arn: str) -> Address:
    """Raises InvalidParameterValueException."""
    resource, _, query = arn.split(":", 5)[5].partition("?")
    place, database, tables = [*resource.split("/", 2), "", ""][:3]
    found = _PLACE.fullmatch(place)
    if found is None or not database or not 0 < int(found["port"]) < 65_536:
        raise _invalid(f"An event source of PostgreSQL is named {ARN_FORM}")
    settings = dict(parse_qsl(query, keep_blank_values=True))
    publication, sslmode = settings.pop("publication", None), settings.pop("sslmode", "prefer")
    if settings or sslmode not in _SSL_MODES or publication == "":
        raise _invalid(f"After the tables there may be publication=NAME and sslmode={'|'.join(_SSL_MODES)}")
    named = () if tables in ("", "*") else tuple(_table(each) for each in tables.split(","))
    if named and publication is not None:
        raise _invalid("A publication says itself which tables it is about: name either the one or the others")
    return Address(
        host=found["host"].strip("[]"),
        port=int(found["port"]),
        database=unquote(database),
        tables=named,
        publication=publication,
        sslmode=sslmode,
    )


def _table(text: str) -> tuple[str, str]:
    parts = [unquote(part) for part in text.split(".")]
    if len(parts) > 2 or not all(parts):
        raise _invalid(f"A table is named TABLE or SCHEMA.TABLE, and not {text!r}")
    return (parts[0], parts[1]) if len(parts) == 2 else ("public", parts[0])


def _invalid(text: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(f"{text}.", Type="User")
