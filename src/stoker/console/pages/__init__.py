"""The pages, one concept a module. Each is an object with its `routes`; read `functions.py` first."""
