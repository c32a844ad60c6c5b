"""`everstream chat`: the answer of a model, as it comes."""

from __future__ import annotations

import sys

from everstream import EverstreamError
from everstream.cli.chat_options import ChatOptions
from everstream.cli.chat_output import AnswerObject, AnswerText, AnswerWriter
from everstream.cli.chat_request import chat_stream
from everstream.cli.chat_wording import has_begun, of_failure, of_success
from everstream.cli.exits import Exit
from everstream.cli.logs import stream_logger
from everstream.cli.outcomes import concluded, exit_of
from everstream.cli.pipes import prepare, until_unread
from everstream.cli.screen import Screen
from everstream.cli.signals import Signals
from everstream.cli.waits import WaitLog
from everstream.llm import AnswerIncomplete, ChatStream
from everstream.observe.logs import Logger

__all__ = ["chat"]


def chat(options: ChatOptions) -> Exit:
    """Writes the answer of a model, and says how it ended."""
    prepare()
    screen = Screen()
    return concluded(screen, lambda: _answered(options, screen))


def _answered(options: ChatOptions, screen: Screen) -> Exit:
    out: AnswerWriter = AnswerObject(sys.stdout) if options.json else AnswerText(sys.stdout)
    stream = chat_stream(options, _logger(options, screen, out))
    with stream, Signals(stream.close) as signals, until_unread(sys.stdout, stream.close):
        failure = _written(stream, out)
    if stream.is_complete:
        out.finish(stream, None)
        for line in () if options.json else of_success(stream):
            screen.message(line)
        return signals.exit or Exit.ENDED
    if signals.received is not None:
        failure = _broken_off(stream, f"ended by {signals.received.name}")
    if failure is None:
        # Nobody reads any more.
        return Exit.ENDED
    out.finish(stream, failure)
    for line in of_failure(failure, stream):
        screen.message(line)
    return signals.exit or _exit_of(failure, stream)


def _written(stream: ChatStream, out: AnswerWriter) -> EverstreamError | None:
    """Writes what comes, and returns the final error."""
    try:
        for text in stream:
            out.piece(text)
    except EverstreamError as error:
        return error
    return None


def _broken_off(stream: ChatStream, why: str) -> AnswerIncomplete:
    stats = stream.source.stats
    return AnswerIncomplete(
        until=None, events_received=stats.events, bytes_received=stats.bytes, text=stream.text, reason=why
    )


def _exit_of(failure: EverstreamError, stream: ChatStream) -> Exit:
    if isinstance(failure, AnswerIncomplete) or has_begun(stream):
        return Exit.INCOMPLETE
    return exit_of(failure)


def _logger(options: ChatOptions, screen: Screen, out: AnswerWriter) -> Logger:
    def note(line: str) -> None:
        out.make_room()
        screen.note(line)

    if options.log_format is None:
        return WaitLog(screen.message)
    return stream_logger(options.log_format, note, colors=screen.colors)
