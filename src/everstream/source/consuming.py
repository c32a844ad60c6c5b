"""Ways of taking what a stream gives, on top of `all()`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Literal, TypeVar, get_args, overload

from everstream.core.decoding import JSONLibrary, JSONValue, Loads, decoder
from everstream.core.errors import ConfigurationError, InvalidJSON
from everstream.core.events import Event, StreamItem

__all__ = ["Consuming", "OnInvalid"]

T = TypeVar("T")

OnInvalid = Literal["raise", "skip", "event"]
"""What comes of an event whose data is not JSON: its error, nothing, or the event itself."""


class Consuming(ABC):
    """A stream from which events are taken."""

    @abstractmethod
    def _events(self) -> Iterator[Event]:
        """Gives events only."""

    @abstractmethod
    def all(self, *, raise_on_failure: bool = True) -> Iterator[StreamItem]:
        """Gives everything that happens."""

    def __iter__(self) -> Iterator[Event]:
        """Gives events as they arrive, across reconnects.

        A loop that was left can be entered again: it goes on where it stopped, on the same connection.

        Raises:
            EverstreamError: The stream failed for good. Iterating again raises it again.
        """
        return self._events()

    def __next__(self) -> Event:
        """Returns the next event; see `__iter__`."""
        return next(iter(self))

    @overload
    def json(
        self, loads: JSONLibrary = ..., *, on_invalid: Literal["raise", "skip"] = ...
    ) -> Iterator[JSONValue]: ...
    @overload
    def json(
        self, loads: JSONLibrary = ..., *, on_invalid: Literal["event"]
    ) -> Iterator[JSONValue | Event]: ...
    @overload
    def json(
        self, loads: Callable[[str], T], *, on_invalid: Literal["raise", "skip"] = ...
    ) -> Iterator[T]: ...
    @overload
    def json(self, loads: Callable[[str], T], *, on_invalid: Literal["event"]) -> Iterator[T | Event]: ...
    def json(self, loads: Loads[T] = "json", *, on_invalid: OnInvalid = "raise") -> Iterator[object]:
        """Gives the data of each event, parsed as JSON, as they arrive.

        Args:
            loads: The parser: `json`, `orjson` or `msgspec`, of which the latter two are extras; or a
                function, for example `msgspec.json.Decoder(Token).decode`.
            on_invalid: What comes of an event whose data is not JSON: `raise` its error, after which the
                loop can be entered again; `skip` it; or give the `event` in place of a value.

        Raises:
            InvalidJSON: The data of an event is not JSON; the error carries the event.
            ConfigurationError: An argument cannot work, or the parser is not installed.
            EverstreamError: As for `__iter__`.
        """
        if on_invalid not in get_args(OnInvalid):
            raise ConfigurationError(f"on_invalid= takes 'raise', 'skip' or 'event', not {on_invalid!r}")
        return self._values(decoder(loads), on_invalid)

    def _values(self, parse: Callable[[str], object], on_invalid: OnInvalid) -> Iterator[object]:
        for event in self:
            try:
                value = event.json(parse)
            except InvalidJSON:
                if on_invalid == "raise":
                    raise
                if on_invalid == "skip":
                    continue
                value = event
            yield value
