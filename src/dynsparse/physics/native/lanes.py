"""How many rows machine code computes at once on this processor."""

from __future__ import annotations

from llvmlite import binding as llvm  # type: ignore[import-untyped] # has no type information

__all__ = ["LANES"]

LANES = 8 if llvm.get_host_cpu_features().get("avx512f") else 4
"""Rows of a vector: a register of AVX-512, else one of AVX2 or two of NEON.  Vectors of two AVX2 registers, which LLVM
has to split, take twice as long to build and to run; a row's bits do not depend on it."""
