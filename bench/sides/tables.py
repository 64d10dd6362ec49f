"""Two databases that people would use for windows instead: DuckDB and Polars, each in the quickest form we found.

Both are given the series as one dense number (ours has to find it from device, metric and lane) and the columns in
their own memory before the clock starts: a native DuckDB table, a Polars frame. Tried and slower: DuckDB over Arrow
(by 5 to 30 %), one packed key for series and minute, a window to sort by; Polars' in-memory engine (2 to 4 times), a
sort and `group_by_dynamic`. Minutes are left to right the same: `event_us // 60_000_000`.
"""

import os
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt

from bench.sides.readings import Readings

THREADS: Final = 2
SHARES: Final = (0.5, 0.85, 0.95)
PLAIN: Final = ("count", "mean", "min", "max", "sd")
FULL: Final = (*PLAIN, "median", "p85", "p95", "last", "completeness")

Table = dict[str, npt.NDArray[Any]]


class InDuckdb:
    """A native table of the readings."""

    def __init__(self, readings: Readings) -> None:
        self._connection = duckdb.connect(config={"threads": THREADS})
        self._due = 60 / readings.interval_s
        given = {"series": readings.series, "event_us": readings.event_us, "value": readings.value}
        self._connection.register("given", given)
        self._connection.execute("CREATE TABLE readings AS SELECT * FROM given")
        self._connection.unregister("given")

    def windows(self, plain: bool) -> Any:
        """The windows as an Arrow table."""
        more = f""", quantile_cont(value, {list(SHARES)}) AS quantiles, arg_max(value, event_us) AS last,
            least(1.0, count(*) / {self._due}) AS completeness"""
        return self._connection.sql(f"""
            SELECT series, event_us // 60000000 AS minute, count(*) AS count, avg(value) AS mean, min(value) AS min,
                max(value) AS max, stddev_samp(value) AS sd{"" if plain else more}
            FROM readings GROUP BY ALL""").to_arrow_table()

    @staticmethod
    def columns(table: Any) -> Table:
        """A result as NumPy columns, by series and minute."""
        out = {name: table[name].to_numpy() for name in table.column_names if name != "quantiles"}
        if "quantiles" in table.column_names:
            flat = table["quantiles"].combine_chunks().flatten().to_numpy().reshape(-1, len(SHARES))
            out.update(zip(("median", "p85", "p95"), flat.T, strict=True))
        return in_order(out)


class InPolars:
    """A frame of the readings."""

    def __init__(self, readings: Readings) -> None:
        os.environ["POLARS_MAX_THREADS"] = str(THREADS)  # read once, when Polars is imported
        import polars

        due = 60 / readings.interval_s
        self._frame = polars.DataFrame(
            {"series": readings.series, "event_us": readings.event_us, "value": readings.value}
        )
        value = polars.col("value")
        self._minute = (polars.col("event_us") // 60_000_000).alias("minute")
        self._plain = [
            polars.len().alias("count"),
            value.mean().alias("mean"),
            value.min().alias("min"),
            value.max().alias("max"),
            value.std().alias("sd"),
        ]
        names = zip(("median", "p85", "p95"), SHARES, strict=True)
        self._more = [
            *(value.quantile(share, "linear").alias(name) for name, share in names),
            value.sort_by("event_us").last().alias("last"),
            (polars.len() / due).clip(upper_bound=1.0).alias("completeness"),
        ]

    def windows(self, plain: bool) -> Any:
        """The windows as a frame, by the streaming engine."""
        wanted = self._plain if plain else [*self._plain, *self._more]
        return self._frame.lazy().group_by("series", self._minute).agg(wanted).collect(engine="streaming")

    @staticmethod
    def columns(frame: Any) -> Table:
        """A result as NumPy columns, by series and minute."""
        return in_order({name: frame[name].to_numpy() for name in frame.columns})


def in_order(table: Table) -> Table:
    """The rows by series and minute."""
    order = np.lexsort((table["minute"], table["series"]))
    return {name: column[order] for name, column in table.items()}
