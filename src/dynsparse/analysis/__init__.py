"""Analysis of transition Jacobians: patterns, and their zeros over all rows, over states and over time.  No JAX."""

from __future__ import annotations

from dynsparse.analysis.cause_counts import CauseCounts
from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.analysis.durations import Durations
from dynsparse.analysis.episode_count import EpisodeCount
from dynsparse.analysis.episode_record import AboveRoundOff, EpisodeRecord
from dynsparse.analysis.global_sparsity import BlockSparsity, GlobalSparsity, ThresholdPoint, analyze_global
from dynsparse.analysis.local_sparsity import LocalBlock, LocalSparsity
from dynsparse.analysis.pattern import SparsityPattern, global_pattern
from dynsparse.analysis.recorded_causes import record_causes
from dynsparse.analysis.slope_sizes import SlopeSizes
from dynsparse.analysis.source import ArrayRows, RowDescription, RowSource
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.analysis.streaming import analyze
from dynsparse.analysis.temporal_sparsity import TemporalSparsity
from dynsparse.analysis.tried_symmetry import TriedSymmetry
from dynsparse.analysis.zeros import is_zero, sparsity

__all__ = [
    "AboveRoundOff",
    "ArrayRows",
    "BlockSparsity",
    "CauseCounts",
    "CauseRecord",
    "Durations",
    "EpisodeCount",
    "EpisodeRecord",
    "GlobalSparsity",
    "LocalBlock",
    "LocalSparsity",
    "RowDescription",
    "RowSource",
    "SlopeSizes",
    "SparsityPattern",
    "SparsityReport",
    "TemporalSparsity",
    "ThresholdPoint",
    "TriedSymmetry",
    "analyze",
    "analyze_global",
    "global_pattern",
    "is_zero",
    "record_causes",
    "sparsity",
]
