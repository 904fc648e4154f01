"""One file a schema change, named by its number; the newest one's number is `schema_version.HEAD`."""
