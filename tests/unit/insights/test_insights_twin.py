"""Queries against a slow and obvious twin, which knows nothing of their language: it is given what was meant."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.log_rows import ask, rows

FIELDS = ("level", "n", "who")
Event = dict[str, Any]
EVENTS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "level": st.sampled_from(["INFO", "ERROR", "10"]),
            "n": st.integers(-3, 12),
            "who": st.sampled_from(["bob", "bo", "alice"]),
        },
    ),
    max_size=25,
)


@dataclass(frozen=True)
class Said:
    """A condition in the language, and what is meant: true, false, or None where a field is missing."""

    text: str
    meant: Callable[[Event], bool | None]


def compared(field: str, operator: str, constant: int | str) -> Said:
    def meant(event: Event) -> bool | None:
        if field not in event:
            return None
        have, want = event[field], constant
        try:
            have, want = float(have), float(want)
        except ValueError:
            if operator not in ("=", "!=") and type(have) is not type(want):
                return None
            have, want = str(have), str(want)
        return {
            "=": have == want,
            "!=": have != want,
            "<": have < want,  # type: ignore[operator]
            ">=": have >= want,  # type: ignore[operator]
        }[operator]

    return Said(f"{field} {operator} {json.dumps(constant)}", meant)


def contains(field: str, part: str, negated: bool) -> Said:
    def meant(event: Event) -> bool | None:
        return None if field not in event else (part in str(event[field])) is not negated

    return Said(f"{field} {'not ' * negated}like /{part}/", meant)


def either(parts: Sequence[Said]) -> Said:
    return Said(f"({' or '.join(each.text for each in parts)})", lambda event: any(each.meant(event) for each in parts))


def both(parts: Sequence[Said]) -> Said:
    return Said(
        f"({' and '.join(each.text for each in parts)})", lambda event: all(each.meant(event) for each in parts)
    )


def opposite(said: Said) -> Said:
    def meant(event: Event) -> bool | None:
        found = said.meant(event)
        return None if found is None else not found

    return Said(f"(not {said.text})", meant)


CONDITIONS = st.recursive(
    st.one_of(
        st.builds(
            compared,
            st.sampled_from(FIELDS),
            st.sampled_from(["=", "!=", "<", ">="]),
            st.one_of(st.integers(-3, 12), st.sampled_from(["INFO", "bo", "zz"])),
        ),
        st.builds(contains, st.sampled_from(FIELDS), st.sampled_from(["o", "R", "1"]), st.booleans()),
        st.builds(lambda field: Said(f"ispresent({field})", lambda event: field in event), st.sampled_from(FIELDS)),
    ),
    lambda inner: st.one_of(
        st.builds(either, st.lists(inner, min_size=2, max_size=3)),
        st.builds(both, st.lists(inner, min_size=2, max_size=3)),
        st.builds(opposite, inner),
    ),
    max_leaves=5,
)


def shown(event: Event) -> dict[str, str]:
    return {name: str(event[name]) for name in FIELDS if name in event}


def logged(events: Sequence[Event]) -> Any:
    return rows([json.dumps(event) for event in events])


def matching(events: Sequence[Event], said: Said) -> list[Event]:
    """The latest first."""
    return [event for event in reversed(events) if said.meant(event)]


@given(events=EVENTS, said=CONDITIONS)
def test_a_filter_keeps_what_was_meant(events: list[Event], said: Said) -> None:
    found = ask(f"fields level, n, who | filter {said.text}", logged(events))
    assert found == [shown(event) for event in matching(events, said)]


def place(value: Any) -> tuple[Any, ...]:
    """Nothing, then texts, then numbers."""
    if value is None:
        return (0,)
    try:
        return (2, float(value))
    except ValueError:
        return (1, value)


@given(
    events=EVENTS,
    said=CONDITIONS,
    keys=st.lists(st.tuples(st.sampled_from(FIELDS), st.booleans()), min_size=1, max_size=2),
    limit=st.integers(1, 30),
    dedup=st.sampled_from([(), ("who",), ("level", "n")]),
)
def test_sort_dedup_and_limit_keep_the_order_that_was_meant(
    events: list[Event], said: Said, keys: list[tuple[str, bool]], limit: int, dedup: tuple[str, ...]
) -> None:
    expected = matching(events, said)
    # Equal ones stay in their order, with `reverse` too.
    for field, descending in reversed(keys):
        expected = sorted(expected, key=lambda event: place(event.get(field)), reverse=descending)
    kept: list[Event] = []
    for event in expected:
        named = [event.get(name) for name in dedup]
        double = any([other.get(name) for name in dedup] == named for other in kept)
        if not dedup or None in named or not double:
            kept.append(event)
    order = ", ".join(f"{field} {'desc' if descending else 'asc'}" for field, descending in keys)
    unique = f"| dedup {', '.join(dedup)}" if dedup else ""
    found = ask(f"filter {said.text} | fields level, n, who | sort {order} {unique} | limit {limit}", logged(events))
    assert found == [shown(event) for event in kept[:limit]]


@given(
    events=EVENTS, said=CONDITIONS, by=st.sampled_from([(), ("who",), ("level", "who")]), percent=st.integers(0, 100)
)
def test_groups_have_the_figures_that_were_meant(
    events: list[Event], said: Said, by: tuple[str, ...], percent: int
) -> None:
    groups: dict[tuple[Any, ...], list[Event]] = {}
    for event in matching(events, said):
        groups.setdefault(tuple(event.get(name) for name in by), []).append(event)
    if not by:
        groups.setdefault((), [])
    expected = []
    for named, members in groups.items():
        numbers = sorted(event["n"] for event in members if "n" in event)
        figures: dict[str, Any] = {"c": len(members), "d": len({event["who"] for event in members if "who" in event})}
        if numbers:
            below = [
                number
                for number in numbers
                if sum(other <= number for other in numbers) * 100 >= percent * len(numbers)
            ]
            figures |= {"s": sum(numbers), "a": sum(numbers) / len(numbers), "p": below[0]}
            figures |= {"lo": numbers[0], "hi": numbers[-1]}
        expected.append(
            ({name: str(value) for name, value in zip(by, named, strict=True) if value is not None}, figures)
        )
    stats = f"count(*) as c, count_distinct(who) as d, sum(n) as s, avg(n) as a, pct(n, {percent}) as p"
    stats += ", min(n) as lo, max(n) as hi"
    found = ask(f"filter {said.text} | stats {stats} {'by ' + ', '.join(by) if by else ''}", logged(events))
    assert len(found) == len(expected)
    for group, (named, figures) in zip(found, expected, strict=True):
        assert {name: group[name] for name in by if name in group} == named
        assert {name: float(value) for name, value in group.items() if name not in by} == pytest.approx(figures)
