"""The one MetaData. An area's tables are in `tables_<area>.py`, which imports `metadata` from here."""

import importlib
import pkgutil

from sqlalchemy import MetaData

import stoker.store

# Names that both engines agree on, so that a later migration can find a constraint by its name.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def complete_metadata() -> MetaData:
    """`metadata` with every area's tables in it: only the migrations need them all at once."""
    for module in pkgutil.iter_modules(stoker.store.__path__):
        if module.name.startswith("tables_"):
            importlib.import_module(f"stoker.store.{module.name}")
    return metadata
