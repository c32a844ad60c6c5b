"""A scripted, faulty SSE server for everyone's tests.

This package imports nothing from the rest of everstream, so that it can judge it. It needs
pytest-httpserver (``pip install "everstream[testing]"``), but not pytest.

Names are looked up lazily: the pytest plugin lives here too and is imported in every pytest session,
also where pytest-httpserver is not installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from everstream.testing.direction import ConnectionLike
    from everstream.testing.encoding import BOM, encode_comment, encode_event, encode_position, encode_retry
    from everstream.testing.faults import DEFAULT_FAULTS, Fault, PlannedConnection
    from everstream.testing.log import EventLog, LogEntry, log_of
    from everstream.testing.recording import RecordedRequest, RequestHeaders
    from everstream.testing.script import (
        comment,
        cut,
        end,
        endless,
        event,
        garbage,
        no_content,
        pause,
        raw,
        redirect,
        refusal,
        reset,
        retry,
        silence,
        stall,
        status,
        wait,
    )
    from everstream.testing.server import SSEServer
    from everstream.testing.steps import Connection, Encoding, Framing, Step, connection
    from everstream.testing.verdict import Verdict

__all__ = [
    "BOM",
    "DEFAULT_FAULTS",
    "Connection",
    "ConnectionLike",
    "Encoding",
    "EventLog",
    "Fault",
    "Framing",
    "LogEntry",
    "PlannedConnection",
    "RecordedRequest",
    "RequestHeaders",
    "SSEServer",
    "Step",
    "Verdict",
    "comment",
    "connection",
    "cut",
    "encode_comment",
    "encode_event",
    "encode_position",
    "encode_retry",
    "end",
    "endless",
    "event",
    "garbage",
    "log_of",
    "no_content",
    "pause",
    "raw",
    "redirect",
    "refusal",
    "reset",
    "retry",
    "silence",
    "stall",
    "status",
    "wait",
]

_HOMES = {
    "direction": ("ConnectionLike",),
    "encoding": ("BOM", "encode_comment", "encode_event", "encode_position", "encode_retry"),
    "faults": ("DEFAULT_FAULTS", "Fault", "PlannedConnection"),
    "log": ("EventLog", "LogEntry", "log_of"),
    "recording": ("RecordedRequest", "RequestHeaders"),
    "server": ("SSEServer",),
    "steps": ("Connection", "Encoding", "Framing", "Step", "connection"),
    "verdict": ("Verdict",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOME_OF.get(name, 'script')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
