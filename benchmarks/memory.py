"""What an event takes in memory: when a program keeps it, and while a large one is read."""

from __future__ import annotations

from typing import cast

from benchmarks.clients import CLIENTS, OURS
from benchmarks.growing import MIB
from benchmarks.payloads import PAYLOADS
from benchmarks.processes import TooSlow, in_short, measured
from benchmarks.results import Scale, Table
from benchmarks.server import serving

__all__ = ["table"]

_KEPT = 10_000
_LARGE_MEBIBYTES = 16
_LARGE_CHUNK_BYTES = 64 * 1024
_PATIENCE = 8.0


def table(scale: Scale) -> Table:
    """Measures each client once: it is the same each time."""
    names = [name for name in CLIENTS if scale.includes(name)]
    kept, peak = _kept(names, scale.of(_KEPT)), _peaks(names)
    return Table(
        name="memory",
        title="Memory",
        columns=("", "an event that is kept", "peak, per byte of a large event"),
        rows=tuple((name, kept[name], peak[name]) for name in names),
        notes=(
            f"Kept are chat tokens of {len(PAYLOADS['chat'].data(0).encode())} bytes of data, in a list.",
            f"The large event has {_LARGE_MEBIBYTES} MiB, in chunks of {_LARGE_CHUNK_BYTES // 1024} KiB.",
            "Counted by `tracemalloc`.",
        ),
    )


def _kept(names: list[str], count: int) -> dict[str, str]:
    with serving("benchmarks.server", "chat", "64 KiB chunks", str(count)) as url:
        return {
            name: _cell("kept", CLIENTS[name], f"{url}/{count}", count, "{:.0f} bytes", per=1)
            for name in names
        }


def _peaks(names: list[str]) -> dict[str, str]:
    with serving("benchmarks.growing") as url:
        path = f"{url}/{_LARGE_CHUNK_BYTES}/{_LARGE_MEBIBYTES}/1"
        modules = {name: "ours_large" if name == OURS else CLIENTS[name] for name in names}
        return {
            name: _cell("peak", modules[name], path, 1, "{:.1f} bytes", per=_LARGE_MEBIBYTES * MIB)
            for name in names
        }


def _cell(kind: str, module: str, url: str, count: int, shown: str, *, per: int) -> str:
    try:
        number = cast(float, measured("holding", kind, module, url, count, within=_PATIENCE))
    except (TooSlow, RuntimeError) as failure:
        return in_short(failure)
    return shown.format(number / per)
