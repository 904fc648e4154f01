"""What event source mappings may be given, by source."""

from source_code import cell

from stoker.event_sources import dynamodb_source, kinesis_source, sqs_source
from stoker.event_sources.options import MAX_FILTERS, STREAM_ONLY, UNBUILT
from stoker.event_sources.postgresql import source as postgresql_source
from stoker.event_sources.source import Abilities

SOURCES: dict[str, Abilities] = {
    "SQS, standard": sqs_source.STANDARD,
    "SQS, FIFO": sqs_source.FIFO,
    "DynamoDB stream": dynamodb_source.ABILITIES,
    "Kinesis stream": kinesis_source.ABILITIES,
    "PostgreSQL": postgresql_source.ABILITIES,
}
ABOUT = {
    "ParallelizationFactor": "batches of one shard at a time, each with the records of some partition keys",
    "BisectBatchOnFunctionError": "after a failure try the two halves of the batch",
    "MaximumRetryAttempts": "how often a batch is tried again; -1 for ever",
    "MaximumRecordAgeInSeconds": "what is older is given up; -1 never",
    "TumblingWindowInSeconds": "the function keeps a state over so many seconds",
}


def sources() -> str:
    lines = [
        "# Event source mappings",
        "",
        "What `CreateEventSourceMapping` takes for each source. How they are used is in",
        "[Sources of events](../guides/event-sources.md).",
        "",
        "| source | batch size, at first | at most | without a window | batching window | maximum concurrency | credentials |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {each.batch_size} | {each.max_batch_size:,} | {each.batch_size_without_window or each.max_batch_size:,} "
        f"| {_yes(each.window)} | {_yes(each.max_concurrency)} | {cell(', '.join(each.access) or '–')} |"
        for name, each in SOURCES.items()
    ]
    streams = ", ".join(name for name, each in SOURCES.items() if each.streams)
    lines += [
        "",
        f"All take filters (`FilterCriteria`, at most {MAX_FILTERS}) and partial failures (`ReportBatchItemFailures`).",
    ]
    lines += [
        "",
        f"Only those that are streams ({streams}) take `StartingPosition` (needed), a destination on failure, and:",
        "",
    ]
    lines += ["| parameter | what it does |", "|---|---|"]
    lines += [f"| `{name}` | {ABOUT[name]} |" for name in STREAM_ONLY]
    lines += [
        "",
        "Refused with 501, since nothing would obey them:",
        "",
        "| parameter | what it asks for |",
        "|---|---|",
    ]
    lines += [f"| `{name}` | {cell(what)} |" for name, what in UNBUILT.items()]
    return "\n".join(lines) + "\n"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
