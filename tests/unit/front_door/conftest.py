"""Fixtures of the front door's tests."""

import pytest
from front_door_house import House


@pytest.fixture
def house() -> House:
    return House()
