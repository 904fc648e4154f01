"""What a month costs."""

import calendar
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.observability.bill import make_bill, month_bounds, month_of
from stoker.observability.ledger import Usage
from stoker.observability.prices import US_EAST_1, Prices, PricesError, ProvisionedPrice, Tier, load_prices

CHEAP = Prices(
    usd_per_million_requests=1_000_000.0,
    compute={"x86_64": (Tier(gb_seconds=10, usd=3.0), Tier(usd=1.0)), "arm64": (Tier(usd=2.0),)},
    free_requests=1,
    free_gb_seconds=4,
)


def used(gb_seconds: float, requests: int = 0, key: str = "us-east-1:f", architecture: str = "x86_64") -> Usage:
    mb_ms = round(gb_seconds * 1_024_000)
    return Usage(
        key=key, architecture=architecture, requests=requests, errors=0, billed_ms=mb_ms // 128, billed_mb_ms=mb_ms
    )


def test_aws_s_own_example_of_a_month() -> None:
    """3 million requests of 120 ms with 1,536 MB: the pricing page's first example says 140,000 GB-s chargeable."""
    bill = make_bill([used(540_000, requests=3_000_000)], US_EAST_1)
    assert bill.gb_seconds - bill.free_gb_seconds == pytest.approx(140_000)
    assert bill.due_usd == pytest.approx(2.33 + 0.40, abs=0.005)


def test_one_millisecond_of_128_mb_costs_what_the_price_list_says() -> None:
    bill = make_bill([used(0.000125, requests=1)], US_EAST_1)
    assert bill.usd - 0.0000002 == pytest.approx(0.0000000021, abs=5e-11)
    assert bill.due_usd == pytest.approx(0.0)


def test_tiers_are_those_of_the_months_sum_and_each_line_has_its_share() -> None:
    bill = make_bill([used(5, key="a"), used(15, key="b")], CHEAP)
    assert [line.usd for line in bill.lines] == pytest.approx([10.0, 30.0])
    assert bill.usd == pytest.approx(40.0)


def test_the_free_tier_is_taken_off_once_whatever_the_lines() -> None:
    together = make_bill([used(8, requests=3)], CHEAP)
    apart = make_bill([used(2, requests=1, key="a"), used(6, requests=2, key="b")], CHEAP)
    assert together.due_usd == pytest.approx(apart.due_usd) == pytest.approx(2.0 + 4 * 3.0)
    assert (apart.free_requests, apart.free_gb_seconds) == (1, 4)


def test_architectures_have_prices_of_their_own_and_share_the_free_tier() -> None:
    bill = make_bill([used(4), used(4, architecture="arm64")], CHEAP)
    assert [line.usd for line in bill.lines] == pytest.approx([12.0, 8.0])
    assert bill.due_usd == pytest.approx(10.0)


def test_a_month_within_the_free_tier_and_an_empty_one_cost_nothing() -> None:
    assert make_bill([used(3, requests=1)], CHEAP).due_usd == pytest.approx(0.0)
    assert make_bill([], US_EAST_1).due_usd == 0.0


def test_months_begin_and_end_in_utc() -> None:
    assert month_bounds("2026-11") == (calendar.timegm((2026, 11, 1, 0, 0, 0)), calendar.timegm((2026, 12, 1, 0, 0, 0)))
    assert month_bounds("2026-12")[1] == month_bounds("2027-01")[0]
    assert month_of(month_bounds("2026-12")[1] - 1) == "2026-12"
    for text in ("2026", "2026-13", "2026-1", "0000-01", "2026-11-01", "٢٠٢٦-١١"):
        with pytest.raises(ValueError):
            month_bounds(text)


def test_a_file_of_prices_replaces_the_table(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(
        """
        usd_per_million_requests = 0.5
        free_requests = 10
        compute.x86_64 = [{gb_seconds = 100, usd = 0.1}, {usd = 0.05}]
        compute.arm64 = [{usd = 0.01}]
        """
    )
    prices = load_prices(path)
    assert (prices.usd_per_million_requests, prices.free_requests, prices.free_gb_seconds) == (0.5, 10, 0.0)
    assert prices.of_compute("x86_64", 200) == pytest.approx(15.0)


@pytest.mark.parametrize(
    "text",
    [
        "no toml",
        "usd_per_million_requests = 0.5",
        "usd_per_million_requests = 0.5\ncompute.x86_64 = [{usd = 1.0}]",
        "usd_per_million_requests = 0.5\ncompute.x86_64 = [{gb_seconds = 1, usd = 1.0}]\ncompute.arm64 = [{usd = 1.0}]",
        "usd_per_million_requests = 0.5\nsurprise = 1\ncompute.x86_64 = [{usd = 1.0}]\ncompute.arm64 = [{usd = 1.0}]",
    ],
)
def test_a_file_that_says_no_prices_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    with pytest.raises(PricesError, match=r"prices\.toml has no prices that can be used"):
        load_prices(path)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(PricesError, match=r"absent\.toml"):
        load_prices(tmp_path / "absent.toml")


def test_what_is_provisioned_costs_while_it_is_held_and_less_while_it_runs_and_has_no_free_tier() -> None:
    usage = Usage(
        key="f",
        architecture="x86_64",
        requests=0,
        errors=0,
        billed_ms=0,
        billed_mb_ms=9 * 1_024_000,
        provisioned_mb_ms=6 * 1_024_000,
        held_mb_ms=300 * 1_024_000,
    )
    prices = replace(CHEAP, provisioned={"x86_64": ProvisionedPrice(held_usd=0.1, running_usd=0.5)})
    bill = make_bill([usage], prices)
    assert (bill.gb_seconds, bill.held_gb_seconds, bill.free_gb_seconds) == (9, 300, 3)
    assert bill.usd == pytest.approx(3 * 3.0 + 300 * 0.1 + 6 * 0.5)
    assert bill.due_usd == pytest.approx(300 * 0.1 + 6 * 0.5)
