"""Streams that are worked on in the background: a handler for each event, and an end that is in order.

- `worker.py`: `Worker`, one stream on one thread
- `group.py`: `WorkerGroup`, many of them
- `handling.py`: one event: attempts at it, and what becomes of it if all fail
- `foreground.py`: a worker or a group as the whole of a program, until a signal comes
- `health.py`: how they are, as plain data
"""

from everstream.worker.group import WorkerGroup
from everstream.worker.handling import Handler, OnPoison
from everstream.worker.health import GroupHealth, WorkerHealth
from everstream.worker.worker import Worker

__all__ = ["GroupHealth", "Handler", "OnPoison", "Worker", "WorkerGroup", "WorkerHealth"]
