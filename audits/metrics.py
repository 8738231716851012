"""What monitoring asks of this room; read from the database at each scrape, so every process answers the same."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import REGISTRY, Collector

from audits import queries
from audits.models import Finding
from chipledger import clock

LAG = "chipledger_sweep_lag_seconds"
OPEN = "chipledger_open_findings"


class AuditsCollector(Collector):
    """How far sweeping lags behind, and how many findings are open in each severity."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The names alone: registering must not touch the database."""
        yield GaugeMetricFamily(LAG, "Seconds since the newest finished sweep looked.")
        yield GaugeMetricFamily(OPEN, "Findings that are not closed.", labels=["severity"])

    def collect(self) -> Iterator[GaugeMetricFamily]:
        lag = GaugeMetricFamily(LAG, "Seconds since the newest finished sweep looked.")
        lag.add_metric([], queries.sweep_lag(at=clock.now()).total_seconds())
        yield lag
        findings = dict.fromkeys(range(1, 6), 0)
        for tally in queries.tally(Finding.objects.filter(closed_at__isnull=True)):
            findings[tally.severity] += tally.findings
        open_findings = GaugeMetricFamily(OPEN, "Findings that are not closed.", labels=["severity"])
        for severity, number in findings.items():
            open_findings.add_metric([str(severity)], number)
        yield open_findings


def register() -> None:
    """Answer scrapes of this process."""
    REGISTRY.register(AuditsCollector())
