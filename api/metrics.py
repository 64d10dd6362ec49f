"""Figures for Prometheus, made on each scrape from the database: no counter of ours can drift from what is stored. Only
what this process alone knows is counted in it: who reads the live stream, and what became of posts.

Few label values by construction: kinds, reasons, priorities, states and outcomes; never a device, a person or a plate.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contracts.answers import Gauges

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class _Snapshot(Collector):
    """The metric families of one scrape."""

    def __init__(self, gauges: Gauges, subscribers: int, posts: Mapping[str, int]) -> None:
        self._gauges, self._subscribers, self._posts = gauges, subscribers, posts

    def collect(self) -> Iterable[Metric]:
        found = self._gauges
        yield _gauge("last_batch_age_seconds", "Age of a shard's newest batch", "shard", found.last_batch_age_s)
        yield _counter("batches", "Batches committed since the log began", "shard", found.batches)
        yield _counter("records", "Records accepted since this process started", "kind", found.records)
        yield _counter("rejections", "Records rejected since this process started", "reason", found.rejections)
        yield _gauge("active_alarms", "Alarms whose condition is active", "priority", found.active_alarms)
        yield _gauge("jobs", "Durable jobs", "state", found.jobs)
        yield GaugeMetricFamily("andaman_live_subscribers", "Readers of the live stream", self._subscribers)
        yield _counter("posts", "Posts of devices since this process started", "outcome", self._posts)


def exposition(gauges: Gauges, subscribers: int, posts: Mapping[str, int]) -> bytes:
    """The text that Prometheus reads. `posts`: by outcome; none where nothing is received."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(gauges, subscribers, posts))
    return generate_latest(registry)


def _gauge(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"andaman_{name}", text, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _counter(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"andaman_{name}", text, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
