"""Which traces are kept. Source: "General SDK Configuration" in the OpenTelemetry specification."""

from msgspec import Struct


class Sampler(Struct, frozen=True, kw_only=True):
    """`ratio` of all traces, by their id, so that whoever sees one decides alike.

    One that is `parent_based` leaves it to whoever has decided before; where nobody has, a function with active tracing
    begins a trace, and nothing else does.
    """

    parent_based: bool
    ratio: float

    def decide(self, trace_id: str, sampled: bool | None, *, begins: bool) -> bool | None:
        """Whether to keep a trace; None while that is open. `begins` says that a trace may begin here."""
        if self.parent_based and sampled is not None:
            return sampled
        if self.parent_based and not begins:
            return None
        return int(trace_id[16:], 16) < self.ratio * 2.0**64
