"""A small job queue: no WebSocket, no async. Silent on purpose, to show what `failloud` does with any host."""

__version__ = "1.4.0"
