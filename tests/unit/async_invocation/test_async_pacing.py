"""How many events run at once."""

from stoker.deliveries.pacing import Pacing


def begin_all(pacing: Pacing, now: float, first: int = 0) -> int:
    """Begin as many as there is room for; the number of the next."""
    while pacing.room(now):
        pacing.begin(first, now)
        first += 1
    return first


def test_a_burst_begins_with_a_few() -> None:
    assert begin_all(Pacing(most=100, young=4), 0.0) == 4


def test_one_that_ends_makes_room_for_another() -> None:
    pacing = Pacing(most=100, young=4)
    begin_all(pacing, 0.0)
    pacing.end(2)
    assert pacing.room(0.001)
    assert pacing.running == 3


def test_those_that_take_long_make_room_for_others_up_to_the_limit() -> None:
    pacing = Pacing(most=10, young=4, young_s=0.05)
    counts, begun = [], 0
    for tick in range(4):
        begun = begin_all(pacing, tick * 0.05, begun)
        counts.append(pacing.running)
    assert counts == [4, 8, 10, 10]


def test_it_says_when_there_will_be_room() -> None:
    pacing = Pacing(most=4, young=2, young_s=0.05)
    assert pacing.more_room_at() is None
    begin_all(pacing, 1.0)
    assert pacing.more_room_at() == 1.05
    begin_all(pacing, 1.05, 2)
    assert pacing.more_room_at() is None


def test_what_has_grown_old_ends_too() -> None:
    pacing = Pacing(most=1, young=1, young_s=0.05)
    pacing.begin("a", 0.0)
    assert not pacing.room(1.0)
    pacing.end("a")
    assert pacing.room(1.0)
    assert pacing.running == 0
