"""`everstream demo`: a real client, a real server on this machine, and a network that is bad on purpose."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from everstream import Event, EventSource, EverstreamError, Failed, FullJitter, RetryPolicy, Timeouts
from everstream.cli.chart import READ_TIMEOUT, chart, line, result
from everstream.cli.exits import Exit
from everstream.cli.feed import Feed
from everstream.cli.journey import Journey
from everstream.cli.picture import PICTURE_WIDTH, save_picture
from everstream.cli.pipes import abandon, prepare
from everstream.cli.signals import Signals
from everstream.cli.wording import reason

__all__ = ["demo"]

_ROWS_AROUND_THE_CHART = 6


def demo(*, events: int, seed: int, svg: Path | None) -> Exit:
    """Streams a feed through all faults, and lets the server judge what arrived.

    Args:
        events: How many events there are.
        seed: Decides what the network does.
        svg: Where to save a picture of the end.
    """
    prepare()
    console = Console(highlight=False, markup=False, emoji=False)
    try:
        return _demonstrated(console, events, seed, svg)
    except KeyboardInterrupt:
        # Before there was a stream to close.
        return Exit.INTERRUPTED
    except OSError as error:
        # Of the output: what fails on the network is the library's.
        abandon()
        print(f"everstream: the output could not be written: {error.strerror}", file=sys.stderr)
        return Exit.TROUBLE


def _demonstrated(console: Console, events: int, seed: int, svg: Path | None) -> Exit:
    title = f"{events} events, through a network that does its worst (seed {seed})"
    console.print(f" {title}", style="bold")
    with Feed(events, seed) as feed:
        journey = Journey(feed.latest_connection)
        with _source(feed.url) as source, Signals(source.close) as signals, _limited(source, feed.seconds):
            failure = _followed(source, feed.last_id, journey, console, events)
    if signals.exit is not None:
        return signals.exit
    verdict = feed.verdict(journey.received)
    if console.is_terminal:
        console.print(chart(journey, events, width=console.width))
    if failure is not None:
        console.print(f"the stream failed: {reason(failure)}", style="red")
    console.print(result(journey, verdict))
    if svg is not None:
        said = Text.assemble((" $ ", "bright_green"), "everstream demo\n\n ", (title, "bold"))
        grown = chart(journey, events, width=PICTURE_WIDTH)
        save_picture(svg, "everstream demo", said, grown, result(journey, verdict))
    return Exit.ENDED if verdict.ok else Exit.TROUBLE


def _source(url: str) -> EventSource:
    """Returns the client under trial. Its waits are short, so that the demo is, too."""
    return EventSource(
        url,
        timeouts=Timeouts(read=READ_TIMEOUT),
        retry=RetryPolicy(wait=FullJitter(initial=0.1, cap=1.0)),
    )


@contextmanager
def _limited(source: EventSource, seconds: float) -> Generator[None, None, None]:
    """Gives up when it takes far too long: then events are lost, and the verdict says so."""
    limit = threading.Timer(30 + 5 * seconds, source.close)
    limit.daemon = True
    limit.start()
    try:
        yield
    finally:
        limit.cancel()


def _followed(
    source: EventSource, last_id: str, journey: Journey, console: Console, events: int
) -> EverstreamError | None:
    """Receives until the last event, and returns what ended the stream before it."""
    with _live(console, journey, events) as tell:
        for item in source.all(raise_on_failure=False):
            leg = journey.take(item)
            if leg is not None:
                tell(line(leg, events))
            if isinstance(item, Failed):
                return item.error
            if isinstance(item, Event) and item.id == last_id:
                return None
    return None


@contextmanager
def _live(console: Console, journey: Journey, events: int) -> Generator[Callable[[str], None], None, None]:
    """Shows the chart while it grows, or, where nothing can be redrawn, a line for each connection."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield lambda text: console.print(text, soft_wrap=True)
        return
    rows = max(console.height - _ROWS_AROUND_THE_CHART, 1)
    with Live(
        get_renderable=lambda: chart(journey, events, width=console.width, rows=rows),
        console=console,
        refresh_per_second=12,
        transient=True,
    ):
        yield lambda text: None
