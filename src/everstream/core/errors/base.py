"""The root of the tree, and what is wrong before anything was sent."""

from __future__ import annotations

__all__ = ["ConfigurationError", "EverstreamError"]


class EverstreamError(Exception):
    """The base of every error that this library raises."""

    retryable: bool = False
    """Whether the same request may succeed if it is made again, unchanged."""
    retry_after: float | None = None
    """Seconds that the server asked to wait first (RFC 9110, 10.2.3), or None."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        # The arguments of our errors are keywords, which the default would lose.
        return type(self).__new__, (type(self), *self.args), dict(vars(self))


class ConfigurationError(EverstreamError, ValueError):
    """An argument that cannot work, found before any request is made."""
