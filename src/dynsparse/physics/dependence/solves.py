"""The rule of ``custom_linear_solve``: what a solution depends on follows from its equation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.extend.core
import numpy as np
import scipy.sparse

from dynsparse.physics.dependence.interpreter import Interpreter, rule
from dynsparse.physics.dependence.sets import WORD, Traced, Words, union, zeros_of

_CHOICES = {"while", "scan", "cond", "select_n", "max", "min", "clamp", "sort", "top_k", "reduce_max", "reduce_min"}
"""What a program that gives ``A^-1 b`` by one formula for every ``b`` does not do with numbers."""

_UNKNOWNS = 1024
"""Unknowns whose way through a product is followed at once."""


@rule("custom_linear_solve")
def _custom_linear_solve(interpreter: Interpreter, equation: Any, *operands: Traced) -> list[Traced]:
    """Solve ``A x = b``, whose solution moves by ``A^-1 (db - dA x)``.

    JAX differentiates the equation and holds constant what the solve was given, a factor or a start; so what ``A``
    depends on enters by the product with the solution, and passes through the solve once more.  The path through a
    direct solve is that of its substitutions.  One that iterates may end early (at ``b == 0`` at once), so that what it
    did is no guide to ``A^-1``: that couples what one connected component of ``A`` holds.  What it did counts as well,
    because it may have ended before it converged.
    """
    lengths, jaxprs = equation.params["const_lengths"], equation.params["jaxprs"]
    ends = np.cumsum([lengths.matvec, lengths.vecmat, lengths.solve, lengths.transpose_solve])
    to_product, to_solve, right = operands[: ends[0]], operands[ends[1] : ends[2]], operands[ends[3] :]
    direct = _is_direct(jaxprs.solve.jaxpr)
    if direct:
        to_solve = tuple(Traced(x.values) for x in to_solve)
    coded = interpreter.run_closed(jaxprs.solve, [*to_solve, *right])
    held = all(x.sets is None for x in to_product)
    if held and (direct or all(x.sets is None for x in right)):
        return coded
    components = None if direct else _components(interpreter, jaxprs.matvec, to_product, coded[: len(right)])
    solution = coded if components is None else _joined(coded, _spread(interpreter, components, right))
    if held:
        return solution
    moved = interpreter.run_closed(jaxprs.matvec, [*to_product, *solution[: len(right)]])
    both = [Traced(b.values, union(b.sets, x.sets)) for b, x in zip(right, moved, strict=True)]
    if components is None:
        return interpreter.run_closed(jaxprs.solve, [*to_solve, *both])
    return _joined(solution, _spread(interpreter, components, both))


def _is_direct(jaxpr: Any) -> bool:
    """Whether a program neither repeats nor chooses between numbers."""
    for equation in jaxpr.eqns:
        numbers = any(getattr(variable.aval, "dtype", np.dtype(float)).kind in "fc" for variable in equation.outvars)
        if equation.primitive.name in _CHOICES and numbers:
            return False
        if not all(_is_direct(getattr(x, "jaxpr", x)) for x in jax.extend.core.jaxprs_in_params(equation.params)):
            return False
    return True


def _components(
    interpreter: Interpreter, matvec: Any, to_product: Sequence[Traced], solution: Sequence[Traced]
) -> np.ndarray:
    """Number the connected components of ``A``, over all unknowns in all rows, (unknowns,).

    Every unknown is an input of the product.  What ``A`` depends on is carried along, since a zero of it that may move
    is an edge.
    """
    sizes = [x.values.size for x in solution]
    count, words = sum(sizes), _UNKNOWNS // WORD
    fixed = [Traced(x.values, None if x.sets is None else _behind(x.sets, words)) for x in to_product]
    inner = interpreter.of_words(words + interpreter.words)
    tails, heads = [], []
    for first in range(0, count, _UNKNOWNS):
        last = min(first + _UNKNOWNS, count)
        seeds = np.zeros((inner.words, count), dtype=np.uint64)
        places = np.arange(first, last)
        seeds[(places - first) // WORD, places] = np.uint64(1) << ((places - first) % WORD).astype(np.uint64)
        parts = np.split(seeds, np.cumsum(sizes)[:-1], axis=1)
        unknowns = [
            Traced(x.values, part.reshape(-1, *x.values.shape)) for x, part in zip(solution, parts, strict=True)
        ]
        found = inner.run_closed(matvec, [*fixed, *unknowns])
        sets = np.concatenate([zeros_of(x, inner.words)[:words].reshape(words, -1) for x in found], axis=1)
        word, head = np.nonzero(sets)
        bits = (sets[word, head][:, None] >> np.arange(WORD, dtype=np.uint64)) & np.uint64(1)
        edge, bit = np.nonzero(bits)
        heads.append(head[edge])
        tails.append(first + word[edge] * WORD + bit)
    head, tail = np.concatenate(heads), np.concatenate(tails)
    graph = scipy.sparse.coo_array((np.ones(len(head), dtype=bool), (head, tail)), shape=(count, count))
    labels: np.ndarray = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    return labels


def _behind(sets: Words, words: int) -> Words:
    return np.concatenate([np.zeros((words, *sets.shape[1:]), dtype=np.uint64), sets])


def _spread(interpreter: Interpreter, components: np.ndarray, right: Sequence[Traced]) -> list[Words]:
    """Give every unknown the sets of all right-hand sides in its component."""
    flat = np.concatenate([zeros_of(b, interpreter.words).reshape(interpreter.words, -1) for b in right], axis=1)
    order = np.argsort(components, kind="stable")
    starts = np.flatnonzero(np.diff(components[order], prepend=-1))
    spread = np.bitwise_or.reduceat(flat[:, order], starts, axis=1)[:, components]
    parts = np.split(spread, np.cumsum([b.values.size for b in right])[:-1], axis=1)
    return [part.reshape(-1, *b.values.shape) for part, b in zip(parts, right, strict=True)]


def _joined(solution: Sequence[Traced], more: Sequence[Words]) -> list[Traced]:
    """Add sets to the unknowns; what a solve returns besides them stays as it is."""
    joined = [Traced(x.values, union(x.sets, sets)) for x, sets in zip(solution, more, strict=False)]
    return [*joined, *solution[len(more) :]]
