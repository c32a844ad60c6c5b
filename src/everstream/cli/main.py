"""The entry point, which works without the extras that the command needs, and says so.

Rule: typer and rich are imported inside functions here, and at the top of every other module.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from everstream.cli.exits import Exit
from everstream.cli.extras import needs

__all__ = ["main"]


def main() -> None:
    """Runs the command and exits."""
    _open_what_is_closed()
    try:
        with needs("cli", "typer", "rich"):
            from everstream.cli.app import app
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    app(prog_name="everstream")


def _open_what_is_closed() -> None:
    """Gives a process that was started without stdout or stderr (`>&-`) somewhere to write to."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # For as long as the process lives.
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
