"""Tables of REST APIs. Documents are JSON in the words of the API Gateway API; times are in seconds since the epoch."""

from sqlalchemy import JSON, Column, Float, Index, Integer, String, Table

from stoker.store.tables import metadata

rest_apis = Table(
    "rest_apis",
    metadata,
    Column("id", String, primary_key=True),
    Column("region", String, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("document", JSON, nullable=False),
)
Index("ix_rest_apis_region", rest_apis.c.region)

# `snapshot` is the API's document as it was deployed.
rest_deployments = Table(
    "rest_deployments",
    metadata,
    Column("api_id", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("created", Float(53), nullable=False),
    Column("description", String),
    Column("snapshot", JSON, nullable=False),
)

rest_stages = Table(
    "rest_stages",
    metadata,
    Column("api_id", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("deployment_id", String, nullable=False),
    Column("document", JSON, nullable=False),
)

# API keys, usage plans and their keys, the account: each has its `kind`. What belongs to another has its id as
# `parent`; `sought` is what it is found by besides its id, a key's value.
rest_belongings = Table(
    "rest_belongings",
    metadata,
    Column("region", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("parent", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("sought", String),
    Column("document", JSON, nullable=False),
)
Index("ix_rest_belongings_sought", rest_belongings.c.region, rest_belongings.c.kind, rest_belongings.c.sought)

# Requests that a key has made of a plan by the day (YYYY-MM-DD, UTC).
rest_usage = Table(
    "rest_usage",
    metadata,
    Column("region", String, primary_key=True),
    Column("plan", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("day", String, primary_key=True),
    Column("used", Integer, nullable=False),
)
