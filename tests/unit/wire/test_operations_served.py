"""What serves an operation is the method with its name that takes a call; nothing is served twice."""

import pytest

from stoker.wire.message import Call
from stoker.wire.operations import operations_of


class _Rooms:
    async def create_room(self, call: Call) -> None: ...

    async def room_named(self, region: str, name: str) -> None: ...

    async def _room_of(self, call: Call) -> None: ...

    @property
    def size(self) -> int:
        raise AssertionError("nothing is asked of a part")


class _Guests:
    async def create_room(self, call: Call) -> None: ...


def test_public_methods_that_take_a_call_are_operations() -> None:
    rooms = _Rooms()
    assert operations_of(rooms) == {"create_room": rooms.create_room}


def test_a_mapping_is_served_as_it_is() -> None:
    rooms = _Rooms()
    assert operations_of(rooms, {"list_rooms": rooms.create_room}).keys() == {"create_room", "list_rooms"}


def test_nothing_is_served_twice() -> None:
    with pytest.raises(ValueError, match="served twice: create_room"):
        operations_of(_Rooms(), _Guests())
