"""Rules of primitives that move elements and compute nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dynsparse.physics.native.tracing import Nodes, Tracer, UntraceableError, rule


@rule("stop_gradient", "copy", "copy_p", "optimization_barrier", "pvary")
def _same(_tracer: Tracer, _equation: Any, *operands: Nodes) -> Sequence[Nodes]:
    return operands


@rule("reduce_precision")
def _reduce_precision(_tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    of_float64 = np.finfo(np.float64)
    if equation.params["exponent_bits"] < of_float64.nexp or equation.params["mantissa_bits"] < of_float64.nmant:
        raise UntraceableError("rounding to fewer bits")
    return a


@rule("broadcast_in_dim")
def _broadcast(_tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    shape = [1] * len(equation.params["shape"])
    for axis, target in enumerate(equation.params["broadcast_dimensions"]):
        shape[target] = a.shape[axis]
    return np.broadcast_to(a.reshape(shape), equation.params["shape"])


@rule("reshape", "squeeze", "expand_dims")
def _reshape(_tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    return a.reshape(equation.outvars[0].aval.shape)


@rule("transpose")
def _transpose(_tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    return a.transpose(equation.params["permutation"])


@rule("rev")
def _rev(_tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    return np.flip(a, equation.params["dimensions"])


@rule("slice")
def _slice(_tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    starts, stops = equation.params["start_indices"], equation.params["limit_indices"]
    strides = equation.params["strides"] or (1,) * a.ndim
    return a[tuple(slice(*one) for one in zip(starts, stops, strides, strict=True))]


@rule("concatenate")
def _concatenate(_tracer: Tracer, equation: Any, *operands: Nodes) -> Nodes:
    return np.concatenate(operands, axis=equation.params["dimension"])


@rule("stack")
def _stack(_tracer: Tracer, equation: Any, *operands: Nodes) -> Nodes:
    return np.stack(operands, axis=equation.params["axis"])


@rule("tile")
def _tile(_tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    return np.tile(a, equation.params["reps"])


@rule("split")
def _split(_tracer: Tracer, equation: Any, a: Nodes) -> Sequence[Nodes]:
    return np.split(a, np.cumsum(equation.params["sizes"])[:-1], axis=equation.params["axis"])


@rule("pad")
def _pad(_tracer: Tracer, equation: Any, a: Nodes, value: Nodes) -> Nodes:
    found = np.full(equation.outvars[0].aval.shape, int(value), dtype=np.int64)
    sources, targets = [], []
    for (low, _high, inner), size, wanted in zip(equation.params["padding_config"], a.shape, found.shape, strict=True):
        place = low + np.arange(size) * (inner + 1)
        inside = (place >= 0) & (place < wanted)  # a negative low or high cuts
        sources.append(np.flatnonzero(inside))
        targets.append(place[inside])
    found[np.ix_(*targets)] = a[np.ix_(*sources)]
    return found


@rule("iota")
def _iota(tracer: Tracer, equation: Any) -> Nodes:
    shape, axis = equation.params["shape"], equation.params["dimension"]
    counted = np.arange(shape[axis]).reshape([-1 if one == axis else 1 for one in range(len(shape))])
    return tracer.constants(np.broadcast_to(counted, shape))
