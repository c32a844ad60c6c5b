"""Text from the wire in messages: escaped, short, harmless in a terminal."""

from __future__ import annotations

import pytest

from everstream.core.errors import (
    AnswerIncomplete,
    CertificateInvalid,
    ConnectFailed,
    ContentTypeRejected,
    EverstreamError,
    InvalidJSON,
    ProviderError,
    RedirectRejected,
    RetriesExhausted,
    StreamIncomplete,
)
from everstream.core.events import Event
from everstream.core.headers import Headers

HOSTILE = "a\x1b]0:title\x07\r\nb\x00\x9b31m\u202ec\u2028"


@pytest.mark.parametrize(
    "error",
    [
        ConnectFailed(host=HOSTILE, reason="refused"),
        ConnectFailed(host="host", reason=HOSTILE),
        CertificateInvalid(host=HOSTILE, reason="expired"),
        CertificateInvalid(host="host", reason=HOSTILE),
        ContentTypeRejected(status=200, headers=Headers({"Content-Type": HOSTILE})),
        RedirectRejected(status=302, reason=HOSTILE),
        StreamIncomplete(until=HOSTILE, events_received=0),
        AnswerIncomplete(until=None, events_received=0, text="", reason=HOSTILE),
        InvalidJSON(event=Event(HOSTILE, "{", "")),
        ProviderError(message=HOSTILE),
        ProviderError(message="no", type=HOSTILE),
        ProviderError(message="no", code=HOSTILE),
        RetriesExhausted(attempts=1, elapsed=1.0, last_error=ConnectFailed(host="host", reason=HOSTILE)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_control_characters_are_never_raw_in_a_message(error: EverstreamError) -> None:
    """A message is safe in a terminal, is one line, and still says what came."""
    assert str(error).isprintable()
    assert repr(error).isprintable()
    assert r"\x1b]0:title\x07" in str(error)


@pytest.mark.parametrize("size", [81, 100_000])
def test_long_text_is_cut(size: int) -> None:
    """A message stays short whatever the server sends."""
    text = "é" * size
    for error in (
        ContentTypeRejected(status=200, headers=Headers({"Content-Type": text})),
        InvalidJSON(event=Event(text, text, text)),
        ProviderError(message="", type=text),
        ProviderError(message="", code=text),
    ):
        assert r"\xe9" * 77 + "..." in str(error)
        assert len(str(error)) < 500


@pytest.mark.parametrize("message", ["x" * 10_000, "é" * 10_000])
def test_what_a_server_says_of_its_error_is_given_at_some_length(message: str) -> None:
    """Most of what providers say to those who did something wrong has two or three sentences."""
    assert "x" * 400 in str(ProviderError(message="x" * 400))
    for error in (
        ProviderError(message=message, type=message, code=message, text=message),
        AnswerIncomplete(until=message, events_received=0, text=message, reason=message),
    ):
        assert len(str(error)) < 3_000


@pytest.mark.parametrize("reason", ["x" * 10_000, "é" * 10_000])
def test_a_reason_is_given_at_some_length_but_not_at_any(reason: str) -> None:
    """What OpenSSL says of a certificate is longer than a type is."""
    for kind in (ConnectFailed, CertificateInvalid):
        assert "x" * 150 in str(kind(host="host", reason="x" * 150))
        assert len(str(kind(host="host", reason=reason))) < 2_000
