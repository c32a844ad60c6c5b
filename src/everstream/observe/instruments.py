"""What is measured of streams: names, units and meanings of the metrics.

Rule: nothing is measured here. The table in the documentation is checked against what stands here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram, Meter

__all__ = ["BUCKETS", "Instruments"]

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Boundaries in seconds that are advised for all histograms: from a healthy stream to the end of an outage.

Those that an SDK takes by itself are made for milliseconds.
"""


class Instruments:
    """The instruments of one meter."""

    def __init__(self, meter: Meter) -> None:
        count = meter.create_counter
        self.connected = meter.create_up_down_counter(
            "everstream.stream.connected",
            "{connection}",
            "Open connections: 1 while the stream is open, else 0",
        )
        self.connects = count(
            "everstream.stream.connects", "{attempt}", "Attempts to connect, by what became of them"
        )
        self.interruptions = count(
            "everstream.stream.interruptions",
            "{interruption}",
            "Open connections that were lost, by the reason",
        )
        self.ends = count("everstream.stream.ends", "{stream}", "Streams that ended for good, by the reason")
        self.events = count("everstream.stream.events", "{event}", "Events given to the consumer")
        self.duplicates = count("everstream.stream.duplicates", "{event}", "Events that dedupe left out")
        self.heartbeats = count("everstream.stream.heartbeats", "{comment}", "Comments received")
        self.received = count("everstream.stream.received", "By", "Bytes of body received, decompressed")
        self.retry_wait = _seconds(
            meter, "everstream.stream.retry_wait", "Waits before the next attempt, as they were decided"
        )
        self.open_duration = _seconds(
            meter, "everstream.stream.open.duration", "From the start of an attempt to the open stream"
        )
        self.first_event_duration = _seconds(
            meter, "everstream.stream.first_event.duration", "From the open stream to its first event"
        )
        self.lag = _seconds(
            meter,
            "everstream.stream.event.lag",
            "Age of events as they are given, where a timestamp is given",
        )
        self.saves = count("everstream.checkpoint.saves", "{save}", "Checkpoints saved")
        self.save_failures = count(
            "everstream.checkpoint.failures", "{failure}", "Checkpoints that could not be saved"
        )

    @property
    def from_zero(self) -> tuple[Counter, ...]:
        """The counters whose only label is the stream, so that they can begin at 0.

        One that begins at 1 hides its first increase from whoever asks for the rate.
        """
        return (
            self.events,
            self.duplicates,
            self.heartbeats,
            self.received,
            self.saves,
            self.save_failures,
        )


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(name, "s", description, explicit_bucket_boundaries_advisory=BUCKETS)
