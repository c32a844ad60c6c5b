"""What is to be installed when a part of the command lacks a library."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

from everstream.cli.exits import Exit

__all__ = ["needs"]


@contextmanager
def needs(extra: str, *libraries: str) -> Generator[None, None, None]:
    """Exits with one readable line if an import in this block fails for want of an extra.

    Args:
        extra: The extra that brings the libraries.
        libraries: Their top-level modules. Any other failing import is a fault of ours.
    """
    try:
        yield
    except ImportError as error:
        missing = _missing(error)
        if missing not in libraries:
            raise
        print(
            f"everstream: this command needs {missing}, which is not installed; "
            f"install it with: pip install 'everstream[{extra}]'",
            file=sys.stderr,
        )
        sys.exit(Exit.USAGE)


def _missing(error: BaseException | None) -> str | None:
    """Returns the top-level module that was not found; the error may be of somebody who tells of it."""
    while error is not None and not isinstance(error, ModuleNotFoundError):
        error = error.__cause__ or error.__context__
    return None if error is None or error.name is None else error.name.partition(".")[0]
