"""Reports: tables and figures, drawn from what an analysis saved.  No JAX."""

from __future__ import annotations

__all__: list[str] = []
