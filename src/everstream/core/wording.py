"""Pieces of messages."""

from __future__ import annotations

from http import HTTPStatus

__all__ = ["count", "printable", "seconds", "status_line"]


def count(number: int, noun: str) -> str:
    """Returns a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def seconds(number: float) -> str:
    """Returns a time with its unit, without an exponent where people would not write one."""
    return f"{number:.12g} s"


def status_line(status: int) -> str:
    """Returns a status code with its name, if it has one (RFC 9110, 15)."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def printable(text: str, length: int = 80) -> str:
    """Returns text from the wire in a form that is safe in a terminal and short in a log."""
    return ascii(text if len(text) <= length else text[: length - 3] + "...")[1:-1]
