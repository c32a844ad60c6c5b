"""The entry point, which works without the extras that the command needs, and says so.

Rule: typer and rich are imported inside functions here, and at the top of every other module.
"""

from __future__ import annotations

import sys

from everstream.cli.exits import Exit
from everstream.cli.extras import needs

__all__ = ["main"]


def main() -> None:
    """Runs the command and exits."""
    try:
        with needs("cli", "typer", "rich"):
            from everstream.cli.app import app
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    app(prog_name="everstream")
