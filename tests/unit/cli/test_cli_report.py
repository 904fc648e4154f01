"""The REPORT line read back, and what it costs."""

import base64

import pytest

from stoker.cli.price import cost, in_dollars
from stoker.cli.report import UsageReport, find_report, log_lines

COLD = (
    "REPORT RequestId: 1\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t"
    "Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t"
)
WARM = "REPORT RequestId: 1\tDuration: 0.90 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t"
JSON = (
    '{"time": "t", "type": "platform.report", "record": {"metrics": {"durationMs": 0.9, "billedDurationMs": 1, '
    '"memorySizeMB": 128, "maxMemoryUsedMB": 36}}}'
)
USED_WARM = UsageReport(duration_ms=0.9, billed_ms=1, memory_mb=128, max_memory_mb=36)


def test_a_cold_start_is_told_apart_and_its_figures_read() -> None:
    report = find_report(["START RequestId: 1", "Duration: 1 ms, said the function", COLD])
    assert report == UsageReport(duration_ms=3.01, billed_ms=114, memory_mb=128, max_memory_mb=36, init_ms=110.1)
    assert report.sentence == "cold start · init 110.10 ms · ran 3.01 ms · billed 114 ms · used 36 of 128 MB"


@pytest.mark.parametrize("line", [WARM, JSON])
def test_both_log_formats_give_the_same_report(line: str) -> None:
    assert find_report([line]) == USED_WARM


@pytest.mark.parametrize("line", ["", "REPORT of the week", '"platform.report"', '{"platform.report": 1}'])
def test_a_line_that_only_looks_like_a_report_is_none(line: str) -> None:
    assert find_report([line]) is None


def test_a_log_tail_is_decoded_even_when_it_begins_in_the_middle_of_a_character() -> None:
    assert log_lines(base64.b64encode(b"\xa9 half\nwhole").decode()) == ["� half", "whole"]


def test_the_price_is_that_of_aws() -> None:
    shortest = cost(billed_ms=1, memory_mb=128)
    assert in_dollars(shortest.compute) == "$0.0000000021"
    assert in_dollars(shortest.request) == "$0.0000002000"
    hour_of_a_gb = cost(billed_ms=3_600_000, memory_mb=1024, architecture="arm64")
    assert hour_of_a_gb.compute == pytest.approx(0.04800024)
