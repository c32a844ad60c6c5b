"""The synchronous shell: a loop, a lifetime, and how far its consumer has come.

- `event_source.py`: `EventSource`, what a program holds
- `loop.py`: one connection after another; it makes the calls that the core asks for
- `progress.py`: what was acknowledged, as against merely received
- `saving.py`: when a checkpoint is saved, and what follows if it cannot be
- `options.py`: checks of arguments that belong together
"""

from everstream.source.event_source import EventSource

__all__ = ["EventSource"]
