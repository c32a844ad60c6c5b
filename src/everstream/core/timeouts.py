"""The limits on waiting, as a value.

Rule: numbers only; whoever waits applies them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from everstream.core.arguments import LONGEST_WAIT, is_number
from everstream.core.errors import ConfigurationError

__all__ = ["Timeouts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait for what. There is no limit on the life of a stream.

    Attributes:
        connect: Seconds to make a connection, TLS included. None: as long as the system does.
        read: Seconds of silence, between any two bytes and before the response's head. Comments are
            bytes, so a server that sends heartbeats never lets it pass. Finite by default: a
            half-open connection would otherwise hang for ever. None: no limit.
        first_event: Seconds from the opening of a connection to its first event, whatever else comes.
            None, the default: no limit.
        event_idle: Seconds without an event, though heartbeats may come: a server that lives while its
            source is dead. They begin anew when the consumer comes back for the next event, so that
            its own work does not count. None, the default: no limit.
    """

    connect: float | None = 5.0
    read: float | None = 60.0
    first_event: float | None = None
    event_idle: float | None = None

    def __post_init__(self) -> None:
        for name in ("connect", "read", "first_event", "event_idle"):
            seconds: object = getattr(self, name)
            if seconds is None or (is_number(seconds) and 0 < seconds <= LONGEST_WAIT):
                continue
            raise ConfigurationError(
                f"Timeouts({name}=...) takes seconds above 0 and up to {LONGEST_WAIT:,}, or None, "
                f"not {seconds!r}"
            )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> Timeouts:
        """Returns the limits that a mapping sets, as from a file, and the defaults for the others.

        Args:
            mapping: Of the keys `connect_seconds`, `read_seconds`, `first_event_seconds` and
                `event_idle_seconds`, any. A value is a number, the text of one, or for no limit None or
                the text "none".

        Raises:
            ConfigurationError: Keys are unknown, or values are wrong; the message names all of them.
        """
        # Operators' numbers are read by few programs, and to get ready for them takes its time.
        from everstream.core.mappings import read_timeouts

        numbers = read_timeouts(mapping)
        return cls(
            connect=numbers["connect_seconds"],
            read=numbers["read_seconds"],
            first_event=numbers["first_event_seconds"],
            event_idle=numbers["event_idle_seconds"],
        )
