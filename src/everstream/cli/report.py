"""How a worker is, as a line of JSON for probes."""

from __future__ import annotations

import time

from everstream import WorkerHealth
from everstream.cli.escaping import json_text

__all__ = ["health_report"]


def health_report(health: WorkerHealth) -> str:
    """Returns all of it, and when it was so: whoever reads it from a file may find an old one."""
    return json_text({"time": time.time(), **health.as_dict()}) + "\n"
