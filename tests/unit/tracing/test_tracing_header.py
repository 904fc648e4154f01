"""The header that carries a trace, and who decides whether it is kept."""

import random
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.clock import FakeClock
from stoker.tracing import header
from stoker.tracing.header import Context
from stoker.tracing.sampling import Sampler
from stoker.tracing.spans import Finished
from stoker.tracing.tracer import Tracer

TRACE, SPAN, NEARER = "5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8", "00f067aa0ba902b7"
ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793"
ACTIVE, PASSING = (SimpleNamespace(tracing_mode=mode) for mode in ("Active", "PassThrough"))


@pytest.mark.parametrize(
    ("brought", "traceparent", "context"),
    [
        (f"{ROOT};Parent={SPAN};Sampled=1", None, Context(TRACE, SPAN, True)),
        (f"Self=1-1-2;{ROOT.upper().replace('ROOT', 'Root')}; Sampled=0", None, Context(TRACE, None, False)),
        (f"{ROOT};Parent={SPAN};Sampled=?", None, Context(TRACE, SPAN, None)),
        (f"{ROOT};Lineage=a1b2c3d4:1", None, Context(TRACE, None, None)),
        (None, f"00-{TRACE}-{SPAN}-01", Context(TRACE, SPAN, True)),
        (None, f"00-{TRACE}-{SPAN}-00", Context(TRACE, SPAN, False)),
        (f"{ROOT};Parent={SPAN};Sampled=1", f"00-{TRACE}-{NEARER}-01", Context(TRACE, NEARER, True)),
        (f"{ROOT};Parent={SPAN};Sampled=1", f"00-{'1' * 32}-{NEARER}-01", Context(TRACE, SPAN, True)),
        (None, f"00-{'0' * 32}-{SPAN}-01", None),
        (None, f"ff-{TRACE}-{SPAN}-01", None),
        (None, "00-xyz-01", None),
        ("Root=1-2-3;Sampled=1", None, None),
        (f"{ROOT}0;Sampled=1", None, None),
        ("", "", None),
        (None, None, None),
    ],
)
def test_a_context_is_read_from_either_header(
    brought: str | None, traceparent: str | None, context: Context | None
) -> None:
    assert header.read(brought, traceparent) == context


def test_what_is_written_is_read_again_and_the_rest_of_the_header_stays() -> None:
    made = header.write(f"{ROOT};Parent={SPAN};Sampled=1;Lineage=a1b2c3d4:1", Context(TRACE, NEARER, None))
    assert made == f"{ROOT};Parent={NEARER};Sampled=?;Lineage=a1b2c3d4:1"
    for context in (Context(TRACE, SPAN, True), Context(TRACE, None, False)):
        assert header.read(header.write("Self=1-1-2;nonsense;", context)) == context


def test_nothing_that_a_stranger_sends_breaks_the_reading() -> None:
    marks = ["Root=1-", "Parent=", "Sampled=1", ";", "=", TRACE[:8], "-", TRACE[8:], SPAN, " ", "\x00", "é", "00-"]
    chance = random.Random(1)
    for _ in range(2_000):
        text = "".join(chance.choices(marks, k=chance.randrange(12)))
        context = header.read(text, text)
        assert context is None or header.read(header.write(text, context)) == context


class House:
    """A tracer and what it finished."""

    def __init__(self, *, parent_based: bool = True, ratio: float = 1.0) -> None:
        self.finished: list[Finished] = []
        self.tracer = Tracer(Sampler(parent_based=parent_based, ratio=ratio), FakeClock(), self.finished.append)

    def kept(self, brought: str | None, function: Any) -> tuple[bool, bool]:
        """Whether an invocation at the front door is kept, and whether its request is."""
        request = self.tracer.receive(brought, None)
        _, trace = self.tracer.invocation(request.header, function, None)
        self.tracer.answered(request, "lambda", "POST", 200)
        return trace is not None, bool(self.finished)


@pytest.mark.parametrize(
    ("brought", "function", "kept"),
    [
        (f"{ROOT};Sampled=1", PASSING, True),
        (f"{ROOT};Sampled=0", ACTIVE, False),
        (None, ACTIVE, True),
        (None, PASSING, False),
        (f"{ROOT};Parent={SPAN}", ACTIVE, True),
        (f"{ROOT};Parent={SPAN}", PASSING, False),
    ],
)
def test_the_caller_decides_and_where_it_has_not_a_function_with_active_tracing_does(
    brought: str | None, function: Any, kept: bool
) -> None:
    assert House().kept(brought, function) == (kept, kept)


def test_a_sampler_that_asks_no_parent_decides_alone() -> None:
    assert House(parent_based=False).kept(f"{ROOT};Sampled=0", PASSING) == (True, True)
    assert House(parent_based=False, ratio=0.0).kept(f"{ROOT};Sampled=1", ACTIVE) == (False, False)


def test_a_share_is_kept_and_everybody_keeps_the_same() -> None:
    sampler, chance = Sampler(parent_based=True, ratio=0.25), random.Random(2)
    ids = [f"{chance.getrandbits(128):032x}" for _ in range(4_000)]
    kept = {each for each in ids if sampler.decide(each, None, begins=True)}
    assert 850 < len(kept) < 1150
    wider = Sampler(parent_based=False, ratio=0.5)
    assert all(wider.decide(each, None, begins=False) for each in kept)


def test_what_is_not_kept_leaves_the_caller_s_span_the_parent() -> None:
    request = House().tracer.receive(f"{ROOT};Parent={SPAN};Sampled=0;Lineage=a1b2c3d4:1", None)
    assert request.header == f"{ROOT};Parent={SPAN};Sampled=0;Lineage=a1b2c3d4:1"


def test_a_trace_that_nobody_decided_in_time_begins_with_the_invocation() -> None:
    house = House()
    request = house.tracer.receive(None, None)
    brought = request.header
    del request
    made, trace = house.tracer.invocation(brought, ACTIVE, None)  # type: ignore[arg-type]
    assert trace is not None
    assert house.tracer.invocation(made, PASSING, None)[1] is not None  # type: ignore[arg-type]
    assert trace._context.parent_id is None
    assert brought.split(";")[0] == made.split(";")[0]
