"""Function URLs: one at most for a function, and one for each of its aliases."""

from sqlalchemy import JSON, Column, Float, Index, String, Table

from stoker.store.tables import metadata

# `qualifier` is empty for the URL of the function itself. Times are in seconds since the epoch.
function_urls = Table(
    "function_urls",
    metadata,
    Column("region", String, primary_key=True),
    Column("function", String, primary_key=True),
    Column("qualifier", String, primary_key=True),
    Column("id", String, nullable=False),
    Column("auth_type", String, nullable=False),
    Column("cors", JSON(none_as_null=True)),
    Column("created", Float(53), nullable=False),
    Column("modified", Float(53), nullable=False),
    Column("invoke_mode", String, nullable=False, server_default="BUFFERED"),
)
Index("ix_function_urls_id", function_urls.c.id, unique=True)
