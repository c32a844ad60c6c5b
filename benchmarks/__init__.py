"""Measurements of everstream beside its peers, in one run: `make bench`."""
