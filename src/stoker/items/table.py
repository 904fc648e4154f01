"""What a table is: its key, its indexes and its settings. Values that are kept as documents, whole."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

PROVISIONED = "PROVISIONED"
PAY_PER_REQUEST = "PAY_PER_REQUEST"
ACTIVE = "ACTIVE"
CREATING = "CREATING"
UPDATING = "UPDATING"
ALL = "ALL"
KEYS_ONLY = "KEYS_ONLY"
INCLUDE = "INCLUDE"


class Key(Struct, frozen=True, kw_only=True):
    """The names of the attributes that identify an item in a table, or place it in an index."""

    hash: str
    range: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.hash,) if self.range is None else (self.hash, self.range)


class Throughput(Struct, frozen=True, kw_only=True):
    """Capacity units a second."""

    read: int
    write: int


class Index(Struct, frozen=True, kw_only=True):
    """A secondary index. `number` is its own within the table and is never another one's.

    One that is being made (CREATING) is kept in step from its first moment, while what was there before is added.
    """

    name: str
    number: int
    is_global: bool
    key: Key
    projection: str
    included: tuple[str, ...] = ()
    status: str = ACTIVE
    throughput: Throughput | None = None


class StreamSetting(Struct, frozen=True, kw_only=True):
    """The table's stream: what its records show of an item. `id` is the stream's row; one that is off can be read."""

    id: int
    label: str
    view_type: str
    enabled: bool = True


class Table(Struct, frozen=True, kw_only=True):
    """One table. `id` and `revision` are the row's: the first is never another table's, the second counts changes.

    Times are in seconds since the epoch. `next_index` is the number of the index that is made next.
    """

    region: str
    name: str
    uuid: str
    types: Mapping[str, str]
    key: Key
    created: float
    indexes: tuple[Index, ...] = ()
    next_index: int = 1
    billing_mode: str = PROVISIONED
    billing_changed: float | None = None
    throughput: Throughput | None = None
    throughput_increased: float | None = None
    throughput_decreased: float | None = None
    stream: StreamSetting | None = None
    ttl_attribute: str | None = None
    is_protected: bool = False
    tags: Mapping[str, str] = {}
    id: int = 0
    revision: int = 0

    def index(self, name: str) -> Index | None:
        """The index of this name."""
        return next((index for index in self.indexes if index.name == name), None)

    def arn(self, account: str) -> str:
        return table_arn(self.region, account, self.name)

    @property
    def live_stream(self) -> StreamSetting | None:
        """The stream that changes go to."""
        return self.stream if self.stream is not None and self.stream.enabled else None


def table_arn(region: str, account: str, name: str) -> str:
    """The ARN of a table."""
    return f"arn:aws:dynamodb:{region}:{account}:table/{name}"


def projected_names(table: Table, index: Index) -> Sequence[str] | None:
    """The attributes that an index shows of an item; None for all."""
    if index.projection == ALL:
        return None
    return list(dict.fromkeys([*table.key.names, *index.key.names, *index.included]))
