"""What keeps a database's rows from being read, in words for whoever looks at the mapping."""

from stoker.model.errors import ServiceError


class DatabaseProblemError(ServiceError):
    """The database cannot be read."""

    status = 502


class SlotGoneError(DatabaseProblemError):
    """The replication slot is gone, and changes may have been missed. Delete the mapping and make it anew."""
