"""SIGINT and SIGTERM as a request to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from everstream.clock import Wakeups
from everstream.signals import StopSignals

BOTH = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture(autouse=True)
def signals_are_as_before() -> Iterator[None]:
    """Whatever a test did, the handlers of signals are the same afterwards."""
    before = [signal.getsignal(number) for number in BOTH]
    yield
    after = [signal.getsignal(number) for number in BOTH]
    for number, handler in zip(BOTH, before, strict=True):
        signal.signal(number, handler)
    assert after == before


@pytest.mark.parametrize("number", BOTH)
def test_a_signal_is_kept_and_what_is_waited_for_is_ended(number: signal.Signals) -> None:
    """Where Python would have raised, or the system killed."""
    bell = Wakeups()
    with StopSignals(bell.ring) as signals:
        assert signals.received is None
        os.kill(os.getpid(), number)
        bell.wait(10)
    assert signals.received is number


@pytest.mark.parametrize("number", BOTH)
def test_it_ends_a_wait_of_the_main_thread(number: signal.Signals) -> None:
    """Which it interrupts."""
    bell = Wakeups()
    with StopSignals(bell.ring) as signals:
        timer = threading.Timer(0.01, os.kill, (os.getpid(), number))
        timer.start()
        bell.wait(3600)
        timer.join()
    assert signals.received is number


@pytest.mark.parametrize("number", BOTH)
def test_the_same_signal_again_kills(number: signal.Signals) -> None:
    """Whatever is to end may have got stuck."""
    code = (
        "import os, sys\n"
        "from everstream.signals import StopSignals\n"
        "with StopSignals(lambda: print('asked', flush=True)):\n"
        "    for _ in range(2): os.kill(os.getpid(), int(sys.argv[1]))\n"
        "print('never')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(int(number))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-number, "asked\n", "")


def test_the_other_signal_asks_as_well() -> None:
    """A terminal interrupts a whole group, and who leads it may terminate its members upon that."""
    asked: list[int] = []
    with StopSignals(lambda: asked.append(1)) as signals:
        for number in BOTH:
            os.kill(os.getpid(), number)
    assert len(asked) == 2
    assert signals.received is signal.SIGTERM


def test_after_the_block_everything_is_as_before() -> None:
    """Also if a signal came, and if the block raised."""

    def own(_number: int, _frame: object) -> None: ...

    before = signal.signal(signal.SIGTERM, own)
    try:
        with pytest.raises(KeyError), StopSignals(lambda: None):
            os.kill(os.getpid(), signal.SIGTERM)
            raise KeyError
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_interrupt_that_is_ignored_stays_ignored() -> None:
    """Inside of the block, and after it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with StopSignals(lambda: pytest.fail("it was not ignored")) as signals:
            os.kill(os.getpid(), signal.SIGINT)
        assert signals.received is None
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_blocks_may_be_nested() -> None:
    """The inner one has the signals while it lasts."""
    with StopSignals(lambda: None) as outer:
        with StopSignals(lambda: None) as inner:
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert (outer.received, inner.received) == (signal.SIGINT, signal.SIGTERM)


def test_another_thread_cannot_use_it() -> None:
    """Python handles signals in the main thread."""
    errors: list[ValueError] = []

    def enter() -> None:
        try:
            with StopSignals(lambda: None):
                pass
        except ValueError as error:
            errors.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert len(errors) == 1
