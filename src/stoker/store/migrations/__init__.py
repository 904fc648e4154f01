"""Alembic's environment and the migrations, shipped in the package and run by `schema_version.upgrade`."""
