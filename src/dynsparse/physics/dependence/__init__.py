"""On which inputs a computed number depends at one point: a trace of values and of sets of inputs, in NumPy.

``DependenceTrace`` runs a JAX function's equations on NumPy arrays and carries, for every element of every array, its
value and the set of inputs on which it depends differentiably there.  An element whose set lacks an input has no slope
by it at that point, to first order: not because numbers cancel, but because the program has no path.  The rules:

- A comparison, ``sign``, ``floor``, ``argmax``, every integer and every truth value depends on nothing: it is piecewise
  constant.  What ``stop_gradient`` holds counts all the same: the derivative has no slope there, but the step has.
- A zero that depends on nothing is *inert*: it stays zero nearby, and what it multiplies depends on nothing.  A zero
  that depends on something multiplies like any other number, because its slope need not be zero.  Products inside
  ``dot_general``, ``reduce_prod``, ``cumprod`` and scatters follow the same rule, a quotient its numerator.
- ``x**n`` is flat at ``x == 0`` for n of 2 or more (and ``square`` with it), ``x**0`` everywhere.
- Of a choice (``select_n``, ``cond``) only what was chosen counts; of ``max``, ``min`` and their reductions the
  operand that was taken, at a tie all that share the value.  ``clamp`` passes its operand inside the bounds, the bound
  outside, both on it.  With ``open_clamps`` these three pass every operand, whichever was taken.  Elements that tie
  in a ``sort`` or ``top_k`` share their sets.
- Loops run as often as the values say; what moves elements moves sets, by the actual indices.
- A Cholesky or LU factor couples what one connected component of its matrix holds: elements are the edges, inert ones
  are none.  A triangular solve follows its substitution.  Where JAX differentiates a solve by its equation
  (``jnp.linalg.solve``, ``custom_linear_solve``), so does the trace; of a solve that iterates it takes the connected
  components of the matrix, since an iteration may end before it did anything, and what the iteration did besides.
- A ``custom_jvp`` function has the paths of its value and those of its derivative rule; ``custom_vjp`` functions, which
  have no forward derivative, those of their value.
- Every other primitive is refused by name (``UnknownPrimitiveError``), unless nothing that it reads depends on
  anything, or what it gives is an integer.  Bits of a number that depends on something (``bitcast_convert_type``) are
  refused, because they can become a number again.

No structural zero where differences see a slope: that holds where the step is smooth.  Where a choice is decided by a
comparison of equal numbers (``jnp.where(x > 0, x, 0)`` at zero, an ``argsort`` or ``argmax`` of a tie), differences on
both sides see half of what was not chosen, and the trace can not know.

Limits: a slope that vanishes because numbers cancel (``x - x``, a translation that changes nothing) has a path.  A
product of two numbers that are both zero here keeps both paths.  At a kink that only a square hides
(``sqrt(x**2)`` at zero) there is no slope and none is reported.
"""

from dynsparse.physics.dependence.trace import Dependence, DependenceTrace

__all__ = ["Dependence", "DependenceTrace"]
