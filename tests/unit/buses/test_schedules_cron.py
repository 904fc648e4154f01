"""When schedules are due: AWS's examples, and a twin that looks at every minute."""

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.buses.cron import CronError, parse_cron
from stoker.buses.schedule_expression import ScheduleExpressionError, parse_expression

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo | None = None) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone or UTC).timestamp()


@pytest.mark.parametrize(
    ("expression", "after", "due"),
    [
        ("0 10 * * ? *", "2024-02-28T10:00", "2024-02-29T10:00"),
        ("15 12 * * ? *", "2024-01-01T00:00", "2024-01-01T12:15"),
        ("0 18 ? * MON-FRI *", "2024-03-01T18:00", "2024-03-04T18:00"),
        ("0 8 1 * ? *", "2024-01-01T08:00", "2024-02-01T08:00"),
        ("0/15 * * * ? *", "2024-01-01T10:46", "2024-01-01T11:00"),
        ("0/10 * ? * MON-FRI *", "2024-03-02T00:00", "2024-03-04T00:00"),
        ("0/5 8-17 ? * MON-FRI *", "2024-03-01T17:55", "2024-03-04T08:00"),
        ("0/30 20-2 ? * MON-FRI *", "2024-03-01T02:30", "2024-03-01T20:00"),
        ("0 9 ? * 2#1 *", "2024-03-01T00:00", "2024-03-04T09:00"),
        ("0 9 ? * 6#5 *", "2024-04-01T00:00", "2024-05-31T09:00"),
        ("0 9 L * ? *", "2023-02-01T00:00", "2023-02-28T09:00"),
        ("0 9 L-3 * ? *", "2024-02-01T00:00", "2024-02-26T09:00"),
        ("0 9 LW * ? *", "2024-03-01T00:00", "2024-03-29T09:00"),
        ("0 9 15W 6 ? *", "2024-01-01T00:00", "2024-06-14T09:00"),
        ("0 9 1W 6 ? *", "2024-01-01T00:00", "2024-06-03T09:00"),
        ("0 9 31W * ? *", "2024-04-01T00:00", "2024-05-31T09:00"),
        ("0 9 ? * 6L *", "2024-03-01T00:00", "2024-03-29T09:00"),
        ("0 9 ? * L *", "2024-03-03T00:00", "2024-03-09T09:00"),
        ("0 9 ? * FRI-MON *", "2024-03-05T00:00", "2024-03-08T09:00"),
        ("0 0 29 FEB ? 2023-2025", "2023-01-01T00:00", "2024-02-29T00:00"),
        ("0 0 1 1 ? 2030/10", "2024-01-01T00:00", "2030-01-01T00:00"),
    ],
)
def test_the_next_time(expression: str, after: str, due: str) -> None:
    assert parse_cron(expression).next_after(datetime.fromisoformat(after)) == datetime.fromisoformat(due)


@pytest.mark.parametrize("expression", ["0 0 30 2 ? *", "0 0 1 1 ? 2020"])
def test_there_may_be_no_next_time(expression: str) -> None:
    assert parse_cron(expression).next_after(datetime(2024, 1, 1)) is None


@pytest.mark.parametrize(
    "expression",
    [
        "* * * * *",
        "* * * * * *",
        "* * ? * ? *",
        "60 * * * ? *",
        "* 24 * * ? *",
        "* * 0 * ? *",
        "* * * 13 ? *",
        "* * ? * 0 *",
        "* * ? * 8 *",
        "* * ? * 2#6 *",
        "* * * * ? 1969",
        "*/0 * * * ? *",
        "a * * * ? *",
        "1, * * * ? *",
        "* * ? * MON#x *",
        "² * * * ? *",
    ],
)
def test_what_is_no_cron_expression_is_refused(expression: str) -> None:
    with pytest.raises(CronError):
        parse_cron(expression)


# The twin: is this minute meant? asked of one minute after the other.


def meant(moment: datetime, expression: str) -> bool:
    minute, hour, day, month, weekday, _ = expression.split()
    last = calendar.monthrange(moment.year, moment.month)[1]
    sunday_first = moment.isoweekday() % 7 + 1

    def within(text: str, value: int, low: int) -> bool:
        for part in text.split(","):
            span, _, step = part.partition("/")
            start, _, end = span.partition("-")
            first = low if span == "*" else int(start)
            top = 10_000 if span == "*" or (step and not end) else int(end or start)
            if first <= value <= top and (value - first) % int(step or 1) == 0:
                return True
        return False

    def day_meant() -> bool:
        if day == "?":
            if "#" in weekday:
                which, nth = weekday.split("#")
                return sunday_first == int(which) and (moment.day - 1) // 7 + 1 == int(nth)
            if weekday.endswith("L"):
                return sunday_first == int(weekday[:-1]) and moment.day + 7 > last
            return within(weekday, sunday_first, 1)
        if day == "L":
            return moment.day == last
        if day.endswith("W"):
            wanted = int(day[:-1])
            near = [moment.replace(day=it) for it in range(1, last + 1) if moment.replace(day=it).isoweekday() < 6]
            if wanted > last:
                return False
            distance = {it.day: abs(it.day - wanted) for it in near}
            best = min(distance.values())
            return distance.get(moment.day) == best and (
                wanted in distance or len([it for it in distance.values() if it == best]) == 1
            )
        return within(day, moment.day, 1)

    return (
        within(minute, moment.minute, 0)
        and within(hour, moment.hour, 0)
        and within(month, moment.month, 1)
        and day_meant()
    )


def field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.tuples(number, number).map(lambda it: f"{min(it)}-{max(it)}"),
        st.tuples(number, st.integers(1, min(9, high))).map(lambda it: f"{it[0]}/{it[1]}"),
        st.tuples(number, number).map(lambda it: f"{it[0]},{it[1]}"),
    )


days = st.one_of(
    st.tuples(st.one_of(field(1, 31), st.just("L"), st.integers(1, 31).map(lambda it: f"{it}W")), st.just("?")),
    st.tuples(
        st.just("?"),
        st.one_of(
            field(1, 7),
            st.tuples(st.integers(1, 7), st.integers(1, 5)).map(lambda it: f"{it[0]}#{it[1]}"),
            st.integers(1, 7).map(lambda it: f"{it}L"),
        ),
    ),
)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["0", "17", "0/20"]),
    st.sampled_from(["0", "5", "8-10"]),
    days,
    field(1, 12),
    st.datetimes(datetime(2023, 1, 1), datetime(2026, 1, 1)),
)
def test_it_is_due_when_its_twin_says(
    minute: str, hour: str, day: tuple[str, str], month: str, after: datetime
) -> None:
    expression = f"{minute} {hour} {day[0]} {month} {day[1]} *"
    due = parse_cron(expression).next_after(after)
    moment = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    end = due or moment + timedelta(days=40)
    # Hours that are not meant are left out, so that a month takes milliseconds.
    while moment < end and moment < after + timedelta(days=70):
        if moment.hour > 10:
            moment = (moment + timedelta(days=1)).replace(hour=0, minute=0)
            continue
        assert not meant(moment, expression), (moment, due)
        moment += timedelta(minutes=1)
    assert due is None or meant(due, expression)


def test_a_skipped_hour_is_not_made_up_for() -> None:
    nightly = parse_expression("cron(30 2 * * ? *)", BERLIN)
    assert nightly.next_after(at("2024-03-30T02:30", BERLIN), 0) == at("2024-04-01T02:30", BERLIN)


def test_an_hour_that_comes_twice_counts_once() -> None:
    often = parse_expression("cron(0/30 2 * * ? *)", BERLIN)
    due, found = at("2024-10-26T12:00", BERLIN), []
    for _ in range(3):
        due = often.next_after(due, 0) or 0
        found.append(due)
    assert found == [at("2024-10-27T00:00"), at("2024-10-27T00:30"), at("2024-10-28T01:00")]


def test_at_six_in_the_morning_it_is_six_all_year() -> None:
    six = parse_expression("cron(0 6 * * ? *)", BERLIN)
    assert six.next_after(at("2024-01-01T12:00"), 0) == at("2024-01-02T05:00")
    assert six.next_after(at("2024-07-01T12:00"), 0) == at("2024-07-02T04:00")


def test_a_rate_counts_from_its_origin() -> None:
    rate = parse_expression("rate(5 minutes)")
    assert [rate.next_after(moment, 1000.0) for moment in (0, 999.9, 1000.0, 1299.9, 1300.0)] == [
        1000.0,
        1000.0,
        1300.0,
        1300.0,
        1600.0,
    ]


def test_once_is_in_its_zone_and_then_no_more() -> None:
    once = parse_expression("at(2024-07-01T08:00:00)", BERLIN)
    assert once.next_after(0, 0) == at("2024-07-01T06:00")
    assert once.next_after(at("2024-07-01T06:00"), 0) is None


@pytest.mark.parametrize(
    "text", ["", "rate(0 minutes)", "rate(1 second)", "rate(-1 day)", "at(2024-13-01T00:00:00)", "at(now)", "cron(1)"]
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ScheduleExpressionError):
        parse_expression(text)


@pytest.mark.parametrize("text", ["rate(1 minutes)", "rate(5 minute)", "at(2024-07-01T08:00:00)"])
def test_rules_want_the_right_number_and_no_single_moment(text: str) -> None:
    with pytest.raises(ScheduleExpressionError):
        parse_expression(text, strict_units=True)
