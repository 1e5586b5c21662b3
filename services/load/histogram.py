"""A histogram of latencies in the manner of HDR: buckets that grow with the value, two decimal places kept."""

from collections.abc import Iterable

_PRECISION = 7  # bits: a bucket is at most 1/128 of its value wide


class Histogram:
    """Counts whole microseconds, of any size, in a few thousand buckets."""

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._counts: dict[int, int] = {}
        self.count, self.total, self.largest = 0, 0, 0
        for value in values:
            self.record(value)

    def record(self, value: int) -> None:
        """Count one value. A negative one counts as zero."""
        value = max(value, 0)
        bucket = _bucket(value)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.count += 1
        self.total += value
        self.largest = max(self.largest, value)

    def percentile(self, percent: float) -> int:
        """The value that `percent` of all do not exceed, as the upper end of its bucket; 0 without values."""
        wanted = self.count * percent / 100
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= wanted:
                return min(_upper(bucket), self.largest)
        return self.largest

    def summary(self) -> dict[str, float]:
        """The usual percentiles, in milliseconds."""
        shown = {f"p{percent:g}": self.percentile(percent) / 1000 for percent in (50, 90, 99, 99.9)}
        mean = self.total / self.count / 1000 if self.count else 0.0
        return {"count": self.count, "mean": round(mean, 3), **shown, "max": self.largest / 1000}


def _bucket(value: int) -> int:
    shift = max(value.bit_length() - _PRECISION - 1, 0)
    return (shift << _PRECISION) + (value >> shift)


def _upper(bucket: int) -> int:
    shift = max((bucket >> _PRECISION) - 1, 0)
    return ((bucket - (shift << _PRECISION) + 1) << shift) - 1
