"""What a worker takes, and what it refuses when it is made."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from everstream import ConfigurationError, Event, EventSource, Redelivery, RetryPolicy, Worker
from everstream.checkpoints import MemoryCheckpoint
from everstream.testing import SSEServer, event, stall
from tests.worker.working import Seen

MakeSource = Callable[..., EventSource]
MakeWorker = Callable[..., Worker]


async def coroutine(_: Event) -> None:
    """Does nothing before it is awaited."""


def generator(_: Event) -> Iterator[None]:
    """Does nothing before it is iterated."""
    yield


async def asynchronous_generator(_: Event) -> AsyncIterator[None]:
    """Does nothing before it is iterated."""
    yield


class Asynchronous:
    async def __call__(self, _: Event) -> None:
        """Does nothing before it is awaited."""


class TestArguments:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"handler": None}, "a handler is a function of an event, not None"),
            ({"source": "http://127.0.0.1/"}, "source= takes an EventSource, not a str"),
            ({"source": None}, "source= takes an EventSource, not a NoneType"),
            ({"retry": RetryPolicy()}, "retry= takes a Redelivery, not a RetryPolicy"),
            ({"on_poison": "ignore"}, "on_poison= takes 'stop', 'skip' or a function, not 'ignore'"),
            ({"on_poison": None}, "on_poison= takes"),
            ({"stop_timeout": -1}, "stop_timeout"),
            ({"stop_timeout": None}, "stop_timeout"),
            ({"stop_timeout": float("inf")}, "stop_timeout"),
            ({"stuck_after": -1}, "stuck_after"),
            ({"stuck_after": 0}, "takes seconds above 0, or None, not 0"),
            ({"stuck_after": "60"}, "stuck_after"),
        ],
    )
    def test_what_cannot_work_is_said_when_it_is_passed(
        self, make_source: MakeSource, options: dict[str, object], message: str
    ) -> None:
        """By its name."""
        arguments = {"source": make_source(), "handler": Seen(), **options}
        with pytest.raises(ConfigurationError, match=message.replace("(", r"\(")):
            Worker(**arguments)  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", ["handler", "on_poison"])
    @pytest.mark.parametrize(
        "lazy",
        [coroutine, generator, asynchronous_generator, Asynchronous(), functools.partial(coroutine)],
        ids=["coroutine", "generator", "async generator", "object", "partial"],
    )
    def test_a_function_that_does_nothing_when_called_is_refused(
        self, make_source: MakeSource, name: str, lazy: Callable[..., object]
    ) -> None:
        """To return would be to have handled an event that nobody has looked at."""
        arguments: dict[str, object] = {"handler": Seen(), "on_poison": "stop", name: lazy}
        with pytest.raises(
            ConfigurationError, match=rf"{name}= takes a function that acts when it is called"
        ):
            Worker(make_source(), **arguments)  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", ["handler", "on_poison"])
    @pytest.mark.parametrize("lazy", [coroutine, generator, asynchronous_generator])
    def test_a_function_that_gives_what_does_nothing_ends_the_worker(
        self,
        sse_server: SSEServer,
        make_source: MakeSource,
        make_worker: MakeWorker,
        name: str,
        lazy: Callable[..., object],
    ) -> None:
        """A wrapper hides what it wraps; the event was not handled, and comes again."""
        sse_server.script([[event("1", id="1"), event("2", id="2"), stall()]])
        store = MemoryCheckpoint()
        source = make_source(checkpoint=store, checkpoint_interval=0.0, name="orders")

        def wrapped(item: Event, *_: object) -> object:
            if item.id == "1":
                return None
            return lazy(item)

        def failing(_: Event) -> None:
            raise ValueError

        functions = {"handler": wrapped} if name == "handler" else {"handler": failing, "on_poison": wrapped}
        worker = make_worker(**functions, source=source, retry=Redelivery.never())
        with pytest.raises(ConfigurationError, match=f"{name}= takes a function that acts .* it gave a"):
            worker.run()
        assert store.load("orders") == "1"
        assert not worker.stop()

    @pytest.mark.parametrize("function", [print, functools.partial(print, "x"), str, "x".join, Seen()])
    def test_whatever_can_be_called_is_a_handler(
        self, make_source: MakeSource, function: Callable[..., object]
    ) -> None:
        """Functions, methods, objects."""
        Worker(make_source(), function, retry=Redelivery.never(), on_poison=function)
