"""`python -m everstream` is the `everstream` command."""

from __future__ import annotations

from everstream.cli.main import main

if __name__ == "__main__":
    main()
