"""Where a command keeps its place in a stream, and under which name."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from everstream import CheckpointError, ConfigurationError
from everstream.checkpoints import SQLiteCheckpoint
from everstream.cli.stream_options import StreamOptions
from everstream.observe.logs import public_url

__all__ = ["checkpoint_key", "checkpoint_store"]

_DIGITS = 12


def checkpoint_key(url: str, name: str | None, body: bytes | None) -> str | None:
    """Returns the name of a stream in a checkpoint file; None for a URL that is none.

    It is the name that the user gave, or the URL. A query or a body may tell streams apart, and may hold
    a secret: so not they are in the key, but a few digits of their hash.
    """
    if name is not None:
        return name
    try:
        query = urlsplit(url).query
        public = public_url(url)
    except ValueError:
        return None
    if not query and body is None:
        return public
    digest = hashlib.sha256(query.encode("utf-8", "surrogateescape") + b"\0" + (body or b"")).hexdigest()
    return f"{public}#{digest[:_DIGITS]}"


def checkpoint_store(options: StreamOptions, key: str | None) -> SQLiteCheckpoint | None:
    """Returns the file in which the place is kept, if there is to be one.

    Raises:
        ConfigurationError: It cannot be read, and will not be readable later; or there is to be none,
            but it is said how to use it.
    """
    if options.checkpoint is None:
        if options.checkpoint_interval is not None or options.checkpoint_required:
            raise ConfigurationError("--checkpoint-interval and --checkpoint-required need --checkpoint")
        return None
    store = SQLiteCheckpoint(options.checkpoint)
    try:
        store.load(key or "")
    except CheckpointError as error:
        # One that is merely locked is tried again, like a server that does not answer.
        if not error.retryable:
            raise ConfigurationError(f"--checkpoint: {error}") from error
    return store
