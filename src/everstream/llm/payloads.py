"""Events as payloads of a format: each is parsed once, whoever asks."""

from __future__ import annotations

from collections.abc import Sequence

from everstream.core.errors import EverstreamError, InvalidJSON, ResponseRejected
from everstream.core.events import Event
from everstream.llm.deltas import Delta
from everstream.llm.fields import Payload, fields_of
from everstream.llm.formats import Format
from everstream.llm.formats.reported import refused, reported

__all__ = ["Payloads"]

_NOTHING: Payload = {}


class Payloads:
    """Answers what an event source asks of a format, and what a stream does.

    Args:
        wire: The format.
    """

    def __init__(self, wire: Format) -> None:
        self._format = wire
        self._latest: tuple[Event | None, Payload] = (None, _NOTHING)

    def of(self, event: Event) -> Payload:
        """Returns the payload of an event; an empty one if it has none that the format knows.

        Raises:
            InvalidJSON: It must have one, and has not.
        """
        latest, payload = self._latest
        if latest is not event:
            payload = self._parsed(event)
            self._latest = (event, payload)
        return payload

    def deltas(self, event: Event) -> Sequence[Delta]:
        """Returns what the answer grows by with an event."""
        return list(self._format.deltas(self.of(event)))

    def error_in(self, found: Event | ResponseRejected) -> EverstreamError | None:
        """Returns the error that an event carries, or what a refused response means."""
        if isinstance(found, ResponseRejected):
            return refused(found)
        try:
            payload = self.of(found)
        except InvalidJSON as invalid:
            return reported(found.data) if found.type == "error" else invalid
        error = self._format.error_in(payload)
        return reported(payload or found.data) if error is None and found.type == "error" else error

    def progress_in(self, event: Event) -> bool:
        """Returns whether an event carries anything of an answer."""
        return self._format.gives(self.of(event))

    def _parsed(self, event: Event) -> Payload:
        if event.data.strip() in ("", "[DONE]"):
            return _NOTHING
        try:
            return fields_of(event.json())
        except InvalidJSON:
            if self._format.is_of(event) or event.type == "error":
                raise
            return _NOTHING
