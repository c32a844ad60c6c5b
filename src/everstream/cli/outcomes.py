"""What becomes of a command that cannot go on: its last words, and its exit code."""

from __future__ import annotations

from collections.abc import Callable

from everstream import ConfigurationError, EverstreamError, HandlerFailed, RetriesExhausted
from everstream.cli.exits import Exit
from everstream.cli.pipes import abandon
from everstream.cli.screen import Screen
from everstream.cli.wording import reason

__all__ = ["concluded", "exit_of"]


def concluded(screen: Screen, run: Callable[[], Exit]) -> Exit:
    """Runs a command, and tells what is wrong with its options or its output."""
    try:
        return run()
    except KeyboardInterrupt:
        # While stdin was read: there was no stream yet.
        return Exit.INTERRUPTED
    except ConfigurationError as error:
        screen.message(reason(error))
        return Exit.USAGE
    except BrokenPipeError:
        abandon()
        return Exit.ENDED
    except OSError as error:
        # The library's own errors are none of these: it was our output that failed.
        abandon()
        screen.message(f"the output could not be written: {error.strerror}")
        return Exit.TROUBLE


def exit_of(error: EverstreamError) -> Exit:
    """Returns the exit code of a command that a final error ended."""
    if isinstance(error, HandlerFailed):
        return Exit.POISONED
    if isinstance(error, ConfigurationError):
        return Exit.USAGE
    return Exit.EXHAUSTED if isinstance(error, RetriesExhausted) else Exit.REFUSED
