"""The `everstream` command: what a terminal, a pipe and a shell make of a stream.

Rule: nothing here decides anything about streams. It turns options into an `EventSource`, items into
lines, and outcomes into exit codes.
"""
