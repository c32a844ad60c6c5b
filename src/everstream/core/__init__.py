"""The pure core: no I/O, no clock, no logging. Bytes go up through it, decisions come down from it."""
