"""Every operation that is served has its row in its service's access table, and every row is an operation."""

import importlib
import inspect
import pkgutil
from unittest.mock import MagicMock

import pytest
from botocore import xform_name
from botocore.loaders import Loader

import stoker.services

PACKAGES = sorted(module.name for module in pkgutil.iter_modules(stoker.services.__path__))


def service_of(package: str) -> object:
    """The service of a package, on nothing: only its attributes are looked at."""
    module = importlib.import_module(f"stoker.services.{package}.service")
    own = (each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__)
    (cls,) = (each for each in own if hasattr(each, "name"))
    wanted = inspect.signature(cls).parameters
    service: object = cls(**{name: MagicMock() for name in wanted})
    return service


@pytest.mark.parametrize("package", PACKAGES)
def test_every_operation_that_is_served_says_what_it_needs(package: str) -> None:
    service = service_of(package)
    operations = Loader().load_service_model(package.rstrip("_"), "service-2")["operations"]
    served = {name for name in operations if hasattr(service, xform_name(name))}
    assert served
    assert served <= set(service.access) <= set(operations)  # type: ignore[attr-defined]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_row_has_an_action_of_some_service(package: str) -> None:
    rows = [row for row in service_of(package).access.values() if row is not None]  # type: ignore[attr-defined]
    for access in [each for row in rows for each in (row, *row.also)]:
        vendor, _, name = access.action.partition(":")
        assert vendor.islower() and name[:1].isupper()
