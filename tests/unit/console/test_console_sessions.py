"""Who is signed in to the console, for how long, and how their browser shows it."""

from botocore.credentials import ReadOnlyCredentials

from fakes.clock import FakeClock
from stoker.console.sessions import IDLE_S, LONGEST_S, MOST, Session, Sessions

KEY = ReadOnlyCredentials("AKIA1", "very-secret", None)


def sessions(clock: FakeClock) -> Sessions:
    return Sessions(clock=clock, port=4566)


def begin(house: Sessions) -> tuple[Session, str]:
    session, set_cookie = house.begin(KEY, arn="arn:aws:iam::000000000000:user/ada", region="us-east-1", secure=False)
    return session, set_cookie.partition(";")[0]


def test_the_cookie_is_for_the_console_alone_and_for_no_script() -> None:
    _, set_cookie = sessions(FakeClock()).begin(KEY, arn="a", region="r", secure=True)
    name, *attributes = set_cookie.split("; ")
    assert name.startswith("stoker-console-4566=")
    assert set(attributes) == {"Path=/_stoker/console", "Max-Age=43200", "HttpOnly", "SameSite=Strict", "Secure"}
    _, set_cookie = sessions(FakeClock()).begin(KEY, arn="a", region="r", secure=False)
    assert "Secure" not in set_cookie


def test_a_session_is_found_by_its_cookie_and_by_nothing_else() -> None:
    house = sessions(FakeClock())
    session, cookie = begin(house)
    assert house.find(f"other=1; {cookie}") is session
    assert house.find(f"{cookie}x") is None
    assert house.find("") is None
    assert house.find("stoker-console-4566=") is None


def test_a_session_ends_an_hour_after_its_last_use() -> None:
    clock = FakeClock()
    house = sessions(clock)
    session, cookie = begin(house)
    clock.advance(IDLE_S - 1)
    assert house.find(cookie) is session
    clock.advance(IDLE_S - 1)
    assert house.find(cookie) is session
    clock.advance(IDLE_S)
    assert house.find(cookie) is None


def test_a_session_ends_after_half_a_day_however_busy() -> None:
    clock = FakeClock()
    house = sessions(clock)
    _, cookie = begin(house)
    for _ in range(int(LONGEST_S / 1800) - 1):
        clock.advance(1800)
        assert house.find(cookie) is not None
    clock.advance(1800)
    assert house.find(cookie) is None


def test_signing_out_ends_it_for_open_streams_too() -> None:
    house = sessions(FakeClock())
    session, cookie = begin(house)
    assert "Max-Age=0" in house.end(cookie)
    assert not house.is_live(session)
    assert house.find(cookie) is None


def test_no_more_sessions_are_kept_than_there_is_room_for() -> None:
    house = sessions(FakeClock())
    _, first = begin(house)
    for _ in range(MOST):
        begin(house)
    assert house.find(first) is None
    assert repr(house) == f"<Sessions {MOST}>"


def test_secrets_are_in_no_repr() -> None:
    house = sessions(FakeClock())
    session, cookie = begin(house)
    shown = repr(session) + repr(house)
    assert "very-secret" not in shown
    assert session.csrf not in shown
    assert cookie.partition("=")[2] not in shown
