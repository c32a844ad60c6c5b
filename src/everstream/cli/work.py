"""`everstream work`: a stream and a handler, as the main program of a container or a service."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from typing import NoReturn

from everstream import (
    ConfigurationError,
    EventSource,
    EverstreamError,
    HandlerFailed,
    Redelivery,
    Worker,
)
from everstream.cli.attempt import Abandoned, Attempt, ToldHandler, failure_of
from everstream.cli.dead_letter import DeadLetters
from everstream.cli.executing import executing
from everstream.cli.exits import Exit
from everstream.cli.health_file import keeping_health_file
from everstream.cli.importing import imported_attempt
from everstream.cli.logs import LogFormat, stream_logger
from everstream.cli.options import event_source
from everstream.cli.outcomes import exit_of
from everstream.cli.pipes import abandon, is_unread, prepare, until_unread
from everstream.cli.probes import answering_probes
from everstream.cli.read_work import ReadWork
from everstream.cli.report import health_report
from everstream.cli.screen import Screen
from everstream.cli.stream_options import StreamOptions
from everstream.cli.wording import excerpt, final_reason, reason
from everstream.cli.work_options import PoisonAction, WorkOptions
from everstream.observe.logs import Logger
from everstream.worker import OnPoison
from everstream.worker.foreground import run_in_foreground

__all__ = ["work"]

_LOOPBACK = "127.0.0.1"


def work(stream: StreamOptions, options: WorkOptions) -> Exit:
    """Has a handler work on a stream until it ends, and says how it ended."""
    prepare()
    screen = Screen()
    try:
        return _worked(stream, options, _logger(options.log_format, screen))
    except KeyboardInterrupt:
        # Before the worker has begun; since then it is a wish to end in order.
        return Exit.INTERRUPTED
    except ConfigurationError as error:
        screen.message(reason(error))
        return Exit.USAGE
    finally:
        abandon()


def _logger(form: LogFormat | None, screen: Screen) -> Logger:
    def write(line: str) -> None:
        # A log that nobody takes is no reason to leave events unhandled.
        with suppress(OSError):
            screen.note(line)

    if form is None:
        form = LogFormat.CONSOLE if sys.stderr.isatty() else LogFormat.JSON
    return stream_logger(form, write, colors=screen.colors, level=logging.INFO)


def _worked(stream: StreamOptions, options: WorkOptions, logger: Logger) -> Exit:
    with ExitStack() as stack:
        attempt = stack.enter_context(_attempt(options))
        source = event_source(stream, logger)
        worker = _worker(source, attempt, options)
        stack.enter_context(_probed(worker, options))
        end = _ended(worker)
    if not worker.is_over:
        _leave(end)
    return end


def _attempt(options: WorkOptions) -> AbstractContextManager[Attempt]:
    if options.command is not None and options.handler is None:
        return executing(options.command)
    if options.handler is not None and options.command is None:
        return nullcontext(imported_attempt(options.handler))
    raise ConfigurationError("give --exec or --handler, one of them")


def _worker(source: EventSource, attempt: Attempt, options: WorkOptions) -> Worker:
    return Worker(
        source,
        ToldHandler(attempt, source.log),
        retry=Redelivery.attempts(options.attempts),
        on_poison=_on_poison(options, source.name),
        stop_timeout=options.stop_timeout,
        stuck_after=options.stuck_after,
    )


def _on_poison(options: WorkOptions, stream: str) -> OnPoison:
    if options.dead_letter is None:
        return "skip" if options.on_poison is PoisonAction.SKIP else "stop"
    if options.on_poison is not None:
        raise ConfigurationError("give --on-poison or --dead-letter, not both")
    return DeadLetters(options.dead_letter, stream)


@contextmanager
def _probed(worker: Worker, options: WorkOptions) -> Generator[None, None, None]:
    """Tells of the worker's health during this block, as it is wished."""
    log = worker.source.log
    if options.health_host is not None and options.health_port is None:
        raise ConfigurationError("--health-host needs --health-port")
    with ExitStack() as stack:
        if options.health_file is not None:
            stack.enter_context(
                keeping_health_file(options.health_file, lambda: health_report(worker.health()), log)
            )
        if options.health_port is not None:
            host = options.health_host or _LOOPBACK
            address = stack.enter_context(answering_probes(host, options.health_port, worker.health))
            log.write("info", "health.listening", {"address": address})
        yield


def _ended(worker: Worker) -> Exit:
    """Works to the end, and tells in the log if it is not a good one."""
    log = worker.source.log
    try:
        finished = _run(worker)
    except Abandoned:
        return Exit.ENDED
    except EverstreamError as error:
        end = exit_of(error)
        cause = error.__cause__ if isinstance(error, HandlerFailed) else None
        fields = {"cause": None if cause is None else failure_of(cause), "said": excerpt(error)}
        told = {name: value for name, value in fields.items() if value is not None}
        why = final_reason(error, worker.source.last_event_id)
        log.write("error", "command.failed", {"exit_code": int(end), "error": why, **told})
        return end
    if finished or is_unread(sys.stdout):
        return Exit.ENDED
    log.write("error", "command.unfinished", {"exit_code": int(Exit.TROUBLE)})
    return Exit.TROUBLE


def _run(worker: Worker) -> bool:
    """Works in the foreground, and says whether the event in hand was finished."""
    work = ReadWork(worker)
    with until_unread(sys.stdout, work.leave):
        finished = run_in_foreground(work)
    worker.raise_failure()
    return finished


def _leave(end: Exit) -> NoReturn:
    """Ends the process although the handler does not end.

    An ordinary exit would wait for whatever the handler holds, such as the lock of stdout.
    """
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(end)
