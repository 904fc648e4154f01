"""HTTP and WebSocket APIs, their parts and deployments; custom domain names, which REST APIs share."""

from sqlalchemy import JSON, Column, Float, Index, String, Table

from stoker.store.tables import metadata

# Documents are in the API's words, as boto3 writes them. Times are in seconds since the epoch.
http_apis = Table(
    "http_apis",
    metadata,
    Column("id", String, primary_key=True),
    Column("region", String, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("document", JSON, nullable=False),
)
Index("ix_http_apis_region", http_apis.c.region, http_apis.c.created)

# Routes, integrations, stages, … by `kind`.
http_api_parts = Table(
    "http_api_parts",
    metadata,
    Column("api_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("document", JSON, nullable=False),
)

# What an API was when it was deployed: its parts by kind, by id.
http_api_snapshots = Table(
    "http_api_snapshots",
    metadata,
    Column("api_id", String, primary_key=True),
    Column("deployment_id", String, primary_key=True),
    Column("document", JSON, nullable=False),
)

api_domains = Table(
    "api_domains",
    metadata,
    Column("name", String, primary_key=True),
    Column("region", String, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("document", JSON, nullable=False),
)

# `path` is the mapping's key: what a path begins with, without slashes around it; empty for all paths.
api_mappings = Table(
    "api_mappings",
    metadata,
    Column("domain", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("path", String, nullable=False),
    Column("api_id", String, nullable=False),
    Column("stage", String, nullable=False),
)
Index("ix_api_mappings_path", api_mappings.c.domain, api_mappings.c.path, unique=True)
Index("ix_api_mappings_api", api_mappings.c.api_id)
