"""What has to be known of URLs."""

from __future__ import annotations

from collections.abc import Container
from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit

__all__ = ["host_of", "http_url", "origin", "without_params"]

_DEFAULT_PORTS = {"http": 80, "https": 443}


def http_url(text: str, base: str = "") -> SplitResult | None:
    """Returns the parts of an absolute http or https URL, resolved against a base; None if it is none."""
    try:
        parts = urlsplit(urljoin(base, text))
        host = parts.hostname or ""
        # Reading the port is what checks it. A space in a host would be quoted by older releases of
        # requests, and looked up.
        is_http = parts.scheme in _DEFAULT_PORTS and host.split() == [host] and parts.port != 0
        if parts.netloc.isascii():
            # Raises for what can be no host name, such as a label of 64 characters.
            host.encode("idna")
    except ValueError:
        return None
    return parts if is_http else None


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Returns scheme, host and port (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def host_of(url: str) -> str:
    """Returns `host` or `host:port`, without user-info."""
    return urlsplit(url).netloc.rpartition("@")[2]


def without_params(url: str, names: Container[str]) -> str:
    """Returns a URL without the query parameters of these names."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in query if name not in names]
    # Untouched if there is nothing to take out: not every query survives being taken apart.
    return url if len(kept) == len(query) else parts._replace(query=urlencode(kept)).geturl()
