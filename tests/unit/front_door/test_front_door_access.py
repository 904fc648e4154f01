"""Every operation that is served has its row in its service's access table, and every row is an operation."""

import pytest
from botocore import xform_name

from fakes.served import PACKAGES, model_of, service_of


@pytest.mark.parametrize("package", PACKAGES)
def test_every_operation_that_is_served_says_what_it_needs(package: str) -> None:
    service = service_of(package)
    operations = model_of(service.name).operation_names
    served = {name for name in operations if xform_name(name) in service.operations}
    assert served
    assert {xform_name(name) for name in served} == set(service.operations)
    assert served <= set(service.access) <= set(operations)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_row_has_an_action_of_some_service(package: str) -> None:
    rows = [row for row in service_of(package).access.values() if row is not None]
    for access in [each for row in rows for each in (row, *row.also)]:
        vendor, _, name = access.action.partition(":")
        assert vendor.islower() and name[:1].isupper()
