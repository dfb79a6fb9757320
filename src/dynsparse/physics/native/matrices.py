"""Rules of linear algebra: products, factors and solves of small matrices, written out."""

from __future__ import annotations

from typing import Any

import numpy as np

from dynsparse.physics.native.tracing import Nodes, Tracer, rule


@rule("dot_general")
def _dot_general(tracer: Tracer, equation: Any, a: Nodes, b: Nodes) -> Nodes:
    (summed_a, summed_b), (batch_a, batch_b) = equation.params["dimension_numbers"]

    def arranged(x: Nodes, batch: Any, summed: Any) -> tuple[np.ndarray, list[int]]:
        free = [axis for axis in range(x.ndim) if axis not in batch and axis not in summed]
        sizes = [[x.shape[axis] for axis in axes] for axes in (batch, free, summed)]
        counts = [int(np.prod(size, dtype=int)) for size in sizes]
        return x.transpose([*batch, *free, *summed]).reshape(counts), sizes[1]

    left, rows = arranged(a, batch_a, summed_a)
    right, columns = arranged(b, batch_b, summed_b)
    graph, zero = tracer.graph, tracer.graph.constant(0.0)
    found = np.empty((len(left), left.shape[1], right.shape[1]), dtype=np.int64)
    for batch in range(len(left)):
        others = right[batch].tolist()
        for i, row in enumerate(left[batch].tolist()):
            terms = [(k, node) for k, node in enumerate(row) if graph.constants[node] != 0]
            for j, other in enumerate(others):
                total = zero
                for k, node in terms:
                    total = graph.binary("add", total, graph.binary("mul", node, other[k]))
                found[batch, i, j] = total
    return found.reshape([*(a.shape[axis] for axis in batch_a), *rows, *columns])


@rule("cholesky")
def _cholesky(tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    """Factor; of a matrix that is not positive definite a part is NaN or, with a zero pivot, infinite.

    JAX's whole factor is NaN then.  A choice for each element would cost every matrix that is as it should be; what is
    solved with such a factor is not finite either way.
    """
    graph = tracer.graph
    found = np.full(a.shape, graph.constant(0.0), dtype=np.int64)
    if equation.params.get("symmetrize_input"):
        a = tracer.binary("mul", tracer.constants(0.5), tracer.binary("add", a, np.swapaxes(a, -1, -2)))
    for where in np.ndindex(a.shape[:-2]):
        matrix, factor = a[where], found[where]
        for j in range(len(matrix)):
            factor[j, j] = graph.unary("sqrt", _less(tracer, matrix[j, j], factor[j, :j], factor[j, :j]))
            inverse = graph.binary("div", graph.constant(1.0), int(factor[j, j]))
            for i in range(j + 1, len(matrix)):
                rest = _less(tracer, matrix[i, j], factor[i, :j], factor[j, :j])
                factor[i, j] = graph.binary("mul", rest, inverse)
    return found


@rule("triangular_solve")
def _triangular_solve(tracer: Tracer, equation: Any, a: Nodes, b: Nodes) -> Nodes:
    parameters, graph = equation.params, tracer.graph
    found = np.empty(b.shape, dtype=np.int64)
    for where in np.ndindex(a.shape[:-2]):
        matrix, right, lower = a[where], b[where], parameters["lower"]
        if not parameters["left_side"]:  # X A = B is A' X' = B'
            right = right.T
        if parameters["transpose_a"] == parameters["left_side"]:
            matrix, lower = matrix.T, not lower
        solved = np.empty(right.shape, dtype=np.int64)
        order = range(len(matrix)) if lower else range(len(matrix) - 1, -1, -1)
        inverse = [
            graph.constant(1.0) if parameters["unit_diagonal"] else graph.binary("div", graph.constant(1.0), int(x))
            for x in np.diag(matrix)
        ]
        for column in range(right.shape[1]):
            for i in order:
                before = slice(0, i) if lower else slice(i + 1, None)
                rest = _less(tracer, right[i, column], matrix[i, before], solved[before, column])
                solved[i, column] = graph.binary("mul", rest, inverse[i])
        found[where] = solved if parameters["left_side"] else solved.T
    return found


def _less(tracer: Tracer, start: Any, a: Nodes, b: Nodes) -> int:
    """Return a number minus a sum of products."""
    graph, total = tracer.graph, int(start)
    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        total = graph.binary("sub", total, graph.binary("mul", x, y))
    return total
