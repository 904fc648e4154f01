"""What is known of a metric's samples in one period: their number, sum, extremes, and how they are spread. Pure.

The spread is a histogram with buckets that grow by 4 %, so that a percentile is within 2 % of a sample's value (the
extremes are exact). CloudWatch's own agent has buckets that grow by 10 %. A statistic set says nothing of its samples'
spread: as in CloudWatch, there are no percentiles of a period with such, unless all its samples are equal.
"""

import math
from collections.abc import Iterator
from typing import Any

import msgspec

_GROWTH = 1.04
_LOG_GROWTH = math.log(_GROWTH)
# CloudWatch takes magnitudes from 2^-360 to 2^360; the smallest then has bucket 3,638.
_OFFSET = 10_000
_MIDDLE = 2.0 / (1.0 + _GROWTH)
# What spreads over more than a factor of 23,000 loses precision at its low end, and not the memory of this machine.
MOST_BUCKETS = 256

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[float, dict[int, float]]).decode


class Statistic:
    """Takes samples up. `vague` is how many of them came in statistic sets. Mutable."""

    __slots__ = ("buckets", "least", "most", "samples", "total", "vague")

    def __init__(
        self,
        samples: float = 0.0,
        total: float = 0.0,
        least: float = math.inf,
        most: float = -math.inf,
        spread: bytes | None = None,
    ) -> None:
        self.samples = samples
        self.total = total
        self.least = least
        self.most = most
        self.vague, self.buckets = (0.0, {}) if spread is None else _decode(spread)

    def __repr__(self) -> str:
        return f"<Statistic of {self.samples:g} samples, sum {self.total:g}>"

    def add(self, value: float, count: float = 1.0) -> None:
        """Take up a value that was measured `count` times."""
        self._take(count, value * count, value, value)
        bucket = _bucket_of(value)
        self.buckets[bucket] = self.buckets.get(bucket, 0.0) + count
        if len(self.buckets) > MOST_BUCKETS:
            self._fold()

    def add_set(self, samples: float, total: float, least: float, most: float) -> None:
        """Take up a statistic set."""
        if least == most or samples == 1:
            self.add(least if least == most else total, samples)
            return
        self._take(samples, total, least, most)
        self.vague += samples

    def merge(self, other: "Statistic") -> None:
        """Take up all that another one has."""
        self._take(other.samples, other.total, other.least, other.most)
        self.vague += other.vague
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0.0) + count
        if len(self.buckets) > MOST_BUCKETS:
            self._fold()

    @property
    def average(self) -> float:
        return self.total / self.samples if self.samples else 0.0

    def percentile(self, percent: float) -> float | None:
        """The value that so many percent of the samples do not exceed; None where the spread is not known."""
        if self.vague or not self.samples:
            return None
        if percent <= 0.0 or percent >= 100.0:
            return self.least if percent <= 0.0 else self.most
        rank, seen = percent / 100.0 * self.samples, 0.0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            # Sums of fractions are off by rounding: the last bucket has the rest.
            if seen >= rank - 1e-9 * self.samples:
                return min(max(_value_of(bucket), self.least), self.most)
        return self.most

    def spread(self) -> bytes:
        """The histogram as bytes, for `Statistic(spread=…)`: some 4 bytes a bucket."""
        return _encode((_whole(self.vague), {bucket: _whole(count) for bucket, count in self.buckets.items()}))

    def __iter__(self) -> Iterator[Any]:
        """What makes an equal one again: `Statistic(*statistic)`."""
        return iter((self.samples, self.total, self.least, self.most, self.spread()))

    def _take(self, samples: float, total: float, least: float, most: float) -> None:
        self.samples += samples
        self.total += total
        if least < self.least:
            self.least = least
        if most > self.most:
            self.most = most

    def _fold(self) -> None:
        """The lowest buckets become one."""
        order = sorted(self.buckets)
        excess = len(order) - MOST_BUCKETS
        for bucket in order[:excess]:
            self.buckets[order[excess]] += self.buckets.pop(bucket)


def _bucket_of(value: float) -> int:
    """Buckets in the order of their values: negative ones below 0, that of zero."""
    if value == 0.0:
        return 0
    bucket = max(1, math.ceil(math.log(abs(value)) / _LOG_GROWTH) + _OFFSET)
    return bucket if value > 0.0 else -bucket


def _value_of(bucket: int) -> float:
    if bucket == 0:
        return 0.0
    value = _GROWTH ** (abs(bucket) - _OFFSET) * _MIDDLE
    return value if bucket > 0 else -value


def _whole(number: float) -> float | int:
    """Whole numbers take a byte or two, where a float takes nine."""
    return int(number) if number == int(number) and abs(number) < 1e15 else number
