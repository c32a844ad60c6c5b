"""The events that the servers send: made by rule, so that both sides know them.

No two events in a row are the same, as in life; nothing is random, so every run sends the same bytes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

__all__ = ["PAYLOADS", "Checksum", "Payload"]

_ANSWER = (
    "The reason is simple : a stream has no end , so the one who reads it cannot wait for it \u2014 each "
    "line must be taken as it comes and given on at once . That \u2019s how a page differs from a feed ."
)
_TOKENS = tuple(" " + word for word in _ANSWER.split())
_TITLES = ("Sète", "Lake Baikal", "Category:Ships built in 1911", "Q67921346", "Дніпро", "User talk:Nobody")


@dataclass(frozen=True, slots=True)
class Payload:
    """A kind of event.

    Attributes:
        name: The short name.
        block: Gives the n-th event as it is sent, up to and including the empty line.
        data: Gives the data that a client has to deliver for the n-th event.
    """

    name: str
    block: Callable[[int], bytes]
    data: Callable[[int], str]

    def blocks(self, count: int) -> Iterator[bytes]:
        """Yields the first `count` events as they are sent."""
        return map(self.block, range(count))

    def checksum(self, count: int) -> int:
        """Returns the checksum of the data of the first `count` events."""
        return Checksum().of(map(self.data, range(count)))


class Checksum:
    """A checksum of the data of events, in their order."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self, data: str) -> None:
        """Takes an event's data into account."""
        # No UTF-8 has the byte 255: where one event ends and the next begins counts too.
        self.value = zlib.crc32(data.encode() + b"\xff", self.value)

    def of(self, all_data: Iterable[str]) -> int:
        """Takes the data of several events into account, and returns the checksum."""
        for data in all_data:
            self.add(data)
        return self.value


def _chat_data(n: int) -> str:
    token = json.dumps(_TOKENS[n % len(_TOKENS)], ensure_ascii=False)
    return (
        '{"id":"chatcmpl-9rT4mVx2QpLw7KdHsYcB","object":"chat.completion.chunk","created":1720000000,'
        '"model":"gpt-4o","system_fingerprint":"fp_3f1c9a7b52e8",'
        f'"choices":[{{"index":0,"delta":{{"content":{token}}},"finish_reason":null}}]}}'
    )


def _change_data(n: int) -> str:
    title = _TITLES[n % len(_TITLES)]
    change = {
        "$schema": "/mediawiki/recentchange/1.0.0",
        "meta": {
            "uri": f"https://www.example.org/wiki/{title}",
            "request_id": "5b0c7d52-6a6e-4d21-9c8e-3f0b1d2a4e67",
            "id": f"c1a7e0d4-02f5-4b6b-8d39-{n:012x}",
            "dt": "2024-07-03T09:46:40Z",
            "domain": "www.example.org",
            "stream": "mediawiki.recentchange",
            "topic": "eqiad.mediawiki.recentchange",
            "partition": 0,
            "offset": 4_000_000_000 + n,
        },
        "id": 2_000_000_000 + n,
        "type": "edit",
        "namespace": 0,
        "title": title,
        "title_url": f"https://www.example.org/wiki/{title}",
        "comment": f"/* wbsetclaim-create:2||1 */ [[Property:P1476]]: {title}, taken over from the catalogue",
        "timestamp": 1_720_000_000,
        "user": "ExampleBot",
        "bot": True,
        "minor": False,
        "patrolled": True,
        "length": {"old": 28_614, "new": 26_784},
        "revision": {"old": 1_787_000 + n, "new": 1_787_006 + n},
        "notify_url": f"https://www.example.org/w/index.php?diff={1_787_006 + n}&oldid={1_787_000 + n}",
        "server_url": "https://www.example.org",
        "server_name": "www.example.org",
        "server_script_path": "/w",
        "wiki": "examplewiki",
        "parsedcomment": '\u200e<span dir="auto"><span class="autocomment">Created claim: </span></span> '
        f'<a href="/wiki/Property:P1476" title="Property:P1476">Property:P1476</a>: {title}, '
        "taken over from the catalogue",
    }
    return json.dumps(change, ensure_ascii=False, separators=(",", ":"))


def _change_block(n: int) -> bytes:
    places = (
        f'[{{"topic":"eqiad.mediawiki.recentchange","partition":0,"timestamp":{1_720_000_000_000 + n}}},'
        '{"topic":"codfw.mediawiki.recentchange","partition":0,"offset":-1}]'
    )
    return f"event: message\nid: {places}\ndata: {_change_data(n)}\n\n".encode()


def _tick_data(n: int) -> str:
    return f"{17_200_000 + n},{100 + n % 800 / 100:.2f}"


def _lines_data(n: int) -> str:
    return "\n".join(f"line {line} of the message {n:06}" for line in range(1, 9))


def _large_data(n: int) -> str:
    unit = f'{{"n":{n:06},"text":"' + "0123456789abcdef" * 62 + '"},'
    return (unit * (1 + (1 << 20) // len(unit)))[: (1 << 20) - len("data: \n\n")]


def _plain(name: str, data: Callable[[int], str], *, end: str = "\n") -> Payload:
    def block(n: int) -> bytes:
        lines = "".join(f"data: {line}{end}" for line in data(n).split("\n"))
        return (lines + end).encode()

    return Payload(name, block, data)


PAYLOADS = {
    payload.name: payload
    for payload in (
        _plain("chat", _chat_data),
        Payload("changes", _change_block, _change_data),
        _plain("ticks", _tick_data, end="\r\n"),
        _plain("lines", _lines_data),
        _plain("large", _large_data),
    )
}
"""The kinds of events, by name: tokens of a chat (230 bytes), changes of a wiki (1.4 kB, with `id` and
`event`), ticks of a price (25 bytes, CRLF), messages of eight lines, and events of 1 MiB."""
