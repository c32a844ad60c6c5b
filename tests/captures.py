"""The recorded streams: what real services have sent, byte for byte. They lie beside the project."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from everstream import EventStreamParser, WireItem

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "captures"


@dataclass(frozen=True)
class Capture:
    """One recorded response, as `index.json` describes it."""

    file: str
    method: str
    url: str
    status: int
    content_type: str
    size: int
    sha256: str
    body: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """The name of the file without its ending, for the names of tests."""
        return self.file.removesuffix(".sse")

    @property
    def body_sha256(self) -> str:
        """What the hash of the body really is."""
        return hashlib.sha256(self.body).hexdigest()

    def items(self) -> list[WireItem]:
        """Returns what the uncut body parses to."""
        return list(EventStreamParser().feed(self.body))


def captures() -> list[Capture]:
    """Returns all recorded streams; where there are none, skips the module that asks for them."""
    index = FOLDER / "index.json"
    if not index.is_file():
        pytest.skip(
            f"THE RECORDED STREAMS ARE MISSING: there is no {index}; nothing here was tested",
            allow_module_level=True,
        )
    return [_capture(entry) for entry in json.loads(index.read_text("utf-8"))]


def _capture(entry: dict[str, object]) -> Capture:
    names = ("file", "method", "url", "status", "content_type", "sha256")
    described = {name: entry[name] for name in names}
    body = (FOLDER / str(entry["file"])).read_bytes()
    return Capture(**described, size=entry["bytes"], body=body)  # type: ignore[arg-type]
