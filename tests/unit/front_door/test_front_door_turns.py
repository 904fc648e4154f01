"""In which order requests of one turn of the event loop begin."""

import asyncio

from fakes.loop import on_loop
from stoker.front_door.turns import AT_ONCE, Turns


@on_loop
async def test_a_few_begin_between_two_looks_at_the_sockets_in_the_order_they_came() -> None:
    turns, begun = Turns(), list[int]()
    for number in range(2 * AT_ONCE + 1):
        turns.wait(lambda number=number: begun.append(number))  # type: ignore[misc]
    assert begun == []
    for expected in (AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1, 2 * AT_ONCE + 1):
        await asyncio.sleep(0)
        assert begun == list(range(expected))


@on_loop
async def test_who_comes_while_another_begins_has_a_turn_too() -> None:
    turns, begun = Turns(), list[str]()

    def first() -> None:
        begun.append("first")
        turns.wait(lambda: begun.append("second"))

    turns.wait(first)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert begun == ["first", "second"]
    turns.wait(lambda: begun.append("third"))
    await asyncio.sleep(0)
    assert begun[2:] == ["third"]


@on_loop
async def test_one_that_fails_keeps_nobody_waiting() -> None:
    turns, begun, failures = Turns(), list[int](), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context["exception"]))
    turns.wait(lambda: 1 // 0)  # type: ignore[arg-type, return-value]
    turns.wait(lambda: begun.append(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (begun, len(failures)) == ([2], 1)
