"""Checks of the arguments of an event source, and what follows from several of them together."""

from __future__ import annotations

from typing import Literal, Protocol, get_args
from urllib.parse import urlsplit

from everstream.core.arguments import require_count, require_kind, require_seconds
from everstream.core.deduplication import Dedupe
from everstream.core.errors import ConfigurationError
from everstream.core.reconnection import RetryPolicy
from everstream.core.timeouts import Timeouts
from everstream.observe.logs import public_url
from everstream.observe.observer import Observer

__all__ = ["Acknowledgement", "MetricsLike", "checkpoint_key_of", "observer_of", "require_sane"]

Acknowledgement = Literal["auto", "manual"]
"""When an event counts as done: when the consumer comes back for the next, or by `ack()`."""


class MetricsLike(Protocol):
    """What makes an observer for each stream: `Metrics`, or something of your own."""

    def observer(self, stream: str) -> Observer:
        """Returns what is told everything that happens to the stream of this name."""
        ...


_KINDS: dict[str, type] = {
    "retry": RetryPolicy,
    "timeouts": Timeouts,
    "dedupe": Dedupe,
    "last_event_id": str,
    "name": str,
    "checkpoint_key": str,
}


def require_sane(
    *,
    ack: object,
    max_unacknowledged: object,
    checkpoint: object,
    checkpoint_interval: object,
    checkpoint_required: object,
    **of_kinds: object,
) -> None:
    """Raises `ConfigurationError` for the first argument that cannot work."""
    for name, value in of_kinds.items():
        require_kind(_KINDS[name], **{name: value})
    if ack not in get_args(Acknowledgement):
        raise ConfigurationError(f"ack= takes 'auto' or 'manual', not {ack!r}")
    require_count("max_unacknowledged=", max_unacknowledged)
    require_seconds("EventSource", checkpoint_interval=checkpoint_interval)
    if checkpoint is None and (checkpoint_required or of_kinds["checkpoint_key"] is not None):
        raise ConfigurationError("checkpoint_key= and checkpoint_required= need checkpoint=")
    for method in ("load", "save"):
        if checkpoint is not None and not callable(getattr(checkpoint, method, None)):
            kind = type(checkpoint).__name__
            raise ConfigurationError(f"checkpoint= takes a store with load and save, not a {kind}")


def checkpoint_key_of(url: str, *, key: str | None, name: str | None, is_plain: bool) -> str:
    """Returns the name of a stream in a checkpoint store.

    Args:
        url: The stream's URL.
        key: The key that was asked for.
        name: The user's name for the stream.
        is_plain: Whether the URL is all there is to the request.

    Raises:
        ConfigurationError: The URL alone does not tell this stream from others, and to write the rest of
            the request into a store might give a secret away.
    """
    chosen = name if key is None else key
    if chosen == "":
        raise ConfigurationError("checkpoint_key= and name= cannot be empty")
    if chosen is not None:
        return chosen
    if urlsplit(url).query or not is_plain:
        raise ConfigurationError(
            "checkpoint= needs name= or checkpoint_key= here: more than the URL's path tells streams apart"
        )
    return public_url(url)


def observer_of(metrics: MetricsLike | None, name: str | None) -> Observer | None:
    """Returns the observer of a stream.

    Raises:
        ConfigurationError: It makes none; or the stream has no name, and no URL is to be a label.
    """
    if metrics is None:
        return None
    if not callable(getattr(metrics, "observer", None)):
        kind = type(metrics).__name__
        raise ConfigurationError(f"metrics= takes Metrics() or an object with observer(), not a {kind}")
    if not name:
        raise ConfigurationError("metrics= needs name=: it is the label of the stream")
    return metrics.observer(name)
