"""Log events for queries, without a database, and what queries make of them."""

from collections.abc import Sequence

from stoker.observability.insights.parser import QueryParser
from stoker.observability.insights.pipeline import Program
from stoker.observability.insights.rows import Row

# Its grammar takes half a second to compile.
PARSER = QueryParser()
BEGIN_MS = 1_700_000_000_000


def rows(messages: Sequence[str], *, apart_ms: int = 60_000, group: str = "/aws/lambda/f") -> list[Row]:
    """One event for each message, in their order."""
    of_lambda = group.startswith("/aws/lambda/")
    return [
        Row(f"1:{group}", f"s{number % 2}", BEGIN_MS + number * apart_ms, number + 1, BEGIN_MS, message, of_lambda)
        for number, message in enumerate(messages)
    ]


def ask(query: str, events: Sequence[Row], *, limit: int | None = None) -> list[dict[str, str]]:
    """The results, without their pointers."""
    program = Program(PARSER.parse(query), limit=limit, now_s=BEGIN_MS // 1000)
    found = events if program.oldest_first else reversed(events)
    return [{name: text for name, text in result if name != "@ptr"} for result in program.run(found)]
