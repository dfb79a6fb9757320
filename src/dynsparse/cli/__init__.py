"""The command line: the only place that prints."""

from __future__ import annotations

from dynsparse.cli.front import main

__all__ = ["main"]
