"""Analysis of transition Jacobians: patterns and global sparsity.  NumPy only."""

from __future__ import annotations

from dynsparse.analysis.global_sparsity import BlockSparsity, GlobalSparsity, ThresholdPoint, analyze_global
from dynsparse.analysis.pattern import SparsityPattern, global_pattern
from dynsparse.analysis.record import AnalysisRecord
from dynsparse.analysis.zeros import is_zero, sparsity

__all__ = [
    "AnalysisRecord",
    "BlockSparsity",
    "GlobalSparsity",
    "SparsityPattern",
    "ThresholdPoint",
    "analyze_global",
    "global_pattern",
    "is_zero",
    "sparsity",
]
