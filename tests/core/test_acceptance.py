"""Whether a response is an event stream."""

from __future__ import annotations

import sys

import pytest

from everstream import ContentTypeRejected, Headers, StatusRejected
from everstream.core.acceptance import is_event_stream, rejection, retry_after

EVENT_STREAM = Headers({"Content-Type": "text/event-stream"})
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
TEN_LATER = "Sun, 06 Nov 1994 08:49:47 GMT"
DATE_SECONDS = 784111777.0


@pytest.mark.parametrize(
    "content_type",
    [
        "text/event-stream",
        "TEXT/Event-Stream",
        "text/event-stream;charset=utf-8",
        "text/event-stream;",
        " text/event-stream ; charset=windows-1252",
    ],
)
def test_parameters_and_case_do_not_matter(content_type: str) -> None:
    """The essence of a MIME type is compared without case."""
    assert is_event_stream(content_type)
    assert rejection(200, Headers({"content-type": content_type})) is None


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/event-streamx",
        "xtext/event-stream",
        "text/plain",
        "application/json, text/event-stream",
        "x bogus",
    ],
)
def test_any_other_type_is_refused(content_type: str) -> None:
    """A prefix is no match, nor is a list."""
    error = rejection(200, Headers({"Content-Type": content_type}))
    assert isinstance(error, ContentTypeRejected)
    assert not error.retryable


def test_a_missing_type_is_refused() -> None:
    """It is not guessed."""
    error = rejection(200, Headers())
    assert isinstance(error, ContentTypeRejected)
    assert error.content_type is None


@pytest.mark.parametrize("status", [201, 205, 299, 304, 400, 404, 500, 503])
def test_any_other_status_is_refused_whatever_the_type(status: int) -> None:
    """The error carries the status and the headers."""
    error = rejection(status, EVENT_STREAM)
    assert isinstance(error, StatusRejected)
    assert (error.status, error.headers) == (status, EVENT_STREAM)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("9" * 5000, sys.float_info.max),
        (TEN_LATER, 10.0),
        ("Sunday, 06-Nov-94 08:49:47 GMT", 10.0),
        ("Sun Nov  6 08:49:47 1994", 10.0),
        ("Sat, 05 Nov 1994 08:49:37 GMT", 0.0),
        ("", None),
        ("garbage", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    """A date is compared with the response's own; one in the past means now."""
    headers = Headers({"Retry-After": value, "Date": DATE})
    assert retry_after(headers) == seconds
    error = rejection(503, headers)
    assert isinstance(error, StatusRejected)
    assert error.retry_after == seconds


def test_without_a_date_of_the_response_our_clock_is_used() -> None:
    """And without either, a date says nothing."""
    headers = Headers({"Retry-After": TEN_LATER})
    assert retry_after(headers, DATE_SECONDS) == 10.0
    assert retry_after(headers) is None


def test_the_date_of_the_response_wins_over_our_clock() -> None:
    """A wrong clock does not matter."""
    headers = Headers({"Retry-After": TEN_LATER, "Date": DATE})
    assert retry_after(headers, DATE_SECONDS + 1e6) == 10.0
