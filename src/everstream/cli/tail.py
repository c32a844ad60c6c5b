"""`everstream tail`: a stream on the terminal, or in a pipe."""

from __future__ import annotations

import shlex
import sys

from everstream import (
    Event,
    EventSource,
    EverstreamError,
    Failed,
    Interrupted,
    Opened,
    ResumeRejected,
    StreamItem,
)
from everstream.cli.escaping import escaped
from everstream.cli.exits import Exit
from everstream.cli.formats import Bare, Format, JSONLines, Pretty, Writer
from everstream.cli.logs import stream_logger
from everstream.cli.options import event_source
from everstream.cli.outcomes import concluded, exit_of
from everstream.cli.pipes import prepare, until_unread
from everstream.cli.screen import Screen
from everstream.cli.signals import Signals
from everstream.cli.status import Status
from everstream.cli.stream_options import StreamOptions
from everstream.cli.tail_options import TailOptions
from everstream.cli.wording import count, excerpt, final_reason, line_of

__all__ = ["tail"]


def tail(stream: StreamOptions, options: TailOptions) -> Exit:
    """Writes a stream until it ends, and says how it ended."""
    prepare()
    screen = Screen()
    return concluded(screen, lambda: _tailed(stream, options, screen))


def _tailed(stream: StreamOptions, options: TailOptions, screen: Screen) -> Exit:
    form = options.log_format
    logger = None if form is None else stream_logger(form, screen.note, colors=screen.colors)
    source = event_source(stream, logger)
    status = Status(source)
    output = _Output(options, screen)
    with (
        source,
        Signals(source.close) as signals,
        until_unread(sys.stdout, source.close),
        screen.showing(status.line),
    ):
        failure = _written(source, output, status)
    unsaved = source.health().checkpoint_error
    if unsaved is not None:
        screen.message(f"the checkpoint could not be saved: {escaped(unsaved)}")
    if signals.exit is None and failure is not None:
        return _report(failure, source.last_event_id, screen)
    if screen.is_live:
        screen.message(_summary(source, has_checkpoint=stream.checkpoint is not None))
    return Exit.ENDED if signals.exit is None else signals.exit


def _written(source: EventSource, output: _Output, status: Status) -> EverstreamError | None:
    """Writes what comes, and returns the final error."""
    for item in source.all(raise_on_failure=False):
        status.note(item)
        output.write(item)
        if output.is_full:
            # Not `return`, by which the last event would not count as delivered.
            source.close()
        if isinstance(item, Failed):
            return item.error
    return None


class _Output:
    """Writes of a stream's items what was asked for."""

    def __init__(self, options: TailOptions, screen: Screen) -> None:
        self._options = options
        self._screen = screen
        self._writer = self._of_format(options.format)
        self._events_left = options.max_events
        self._warns = not (options.lifecycle or options.log_format)

    @property
    def is_full(self) -> bool:
        """Whether as many events as were asked for have been written."""
        return self._events_left == 0

    def write(self, item: StreamItem) -> None:
        """Writes an item, or leaves it out."""
        types = self._options.types
        if isinstance(item, Event):
            if not types or item.type in types:
                with self._screen.writing():
                    self._writer.event(item)
                if self._events_left is not None:
                    self._events_left -= 1
        elif self._options.lifecycle:
            with self._screen.writing():
                self._writer.lifecycle(item)
        elif self._warns:
            self._warn(item)

    def _warn(self, item: StreamItem) -> None:
        if self._is_news(item):
            self._screen.message(line_of(item)[1])

    def _is_news(self, item: StreamItem) -> bool:
        match item:
            case ResumeRejected(restarts=restarts):
                # A gap is not to pass with the status line. Without a restart, the end says it.
                return restarts
            case Interrupted():
                return not self._screen.is_live
            case Opened(downtime=downtime):
                return not self._screen.is_live and downtime is not None
            case _:
                return False

    def _of_format(self, form: Format) -> Writer:
        if form is Format.AUTO:
            form = Format.PRETTY if sys.stdout.isatty() else Format.JSONL
        if form is Format.PRETTY:
            return Pretty(sys.stdout)
        if form is Format.DATA:
            return Bare(sys.stdout, self._screen.message)
        return JSONLines(sys.stdout, with_kind=self._options.lifecycle)


def _report(error: EverstreamError, cursor: str, screen: Screen) -> Exit:
    screen.message(final_reason(error, cursor))
    said = excerpt(error)
    if said is not None:
        screen.message(f"it said: {said}")
    return exit_of(error)


def _summary(source: EventSource, *, has_checkpoint: bool) -> str:
    """Returns how far it got, and how to go on from there."""
    events, position = count(source.stats.events, "event"), source.last_event_id
    if not position:
        return events
    if has_checkpoint:
        return f"{events}; the same command goes on from here"
    return f"{events}; to go on from here: --last-event-id {shlex.quote(escaped(position))}"
