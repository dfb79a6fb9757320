"""The equations of a JAX function, one after the other, on values and sets of inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax._src import source_info_util
from jax.extend import core as jax_core

from dynsparse.errors import UnknownPrimitiveError
from dynsparse.physics.dependence.sets import Traced

__all__ = ["RULES", "Interpreter", "Rule", "is_key", "plain", "refused", "rule", "value_of"]

Rule = Callable[..., "Traced | Sequence[Traced]"]

RULES: dict[str, Rule] = {}
"""What each JAX primitive does: (interpreter, equation, *operands) to its results."""

_Plan = list[tuple[Any, tuple[Any, ...]]]


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a function as the rule of some primitives."""

    def enter(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return enter


class Interpreter:
    """Evaluates the equations of a jaxpr on NumPy arrays and sets.

    Args:
        words: 64-bit words of a set.
        open_clamps: ``clamp``, ``max`` and ``min`` pass on every operand, whichever was taken.
    """

    def __init__(self, words: int, *, open_clamps: bool = False) -> None:
        self.words = words
        self.open_clamps = open_clamps
        self._plans: dict[Any, _Plan] = {}

    def of_words(self, words: int) -> Interpreter:
        """Return an interpreter of other sets, otherwise the same."""
        return Interpreter(words, open_clamps=self.open_clamps)

    def run_closed(self, inner: Any, operands: Sequence[Traced]) -> list[Traced]:
        """Evaluate a jaxpr that may hold its constants; see ``run``."""
        return self.run(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), operands)

    def run(self, jaxpr: Any, constants: Sequence[object], operands: Sequence[Traced]) -> list[Traced]:
        """Evaluate a jaxpr.

        Args:
            jaxpr: the equations.
            constants: what it closes over: arrays, or traced ones.
            operands: its arguments.

        Returns:
            Its results.

        Raises:
            UnknownPrimitiveError: a primitive has no rule; named.
        """
        known: dict[Any, Traced] = dict(zip(jaxpr.invars, operands, strict=True))
        known.update(
            (variable, value if isinstance(value, Traced) else Traced(plain(value)))
            for variable, value in zip(jaxpr.constvars, constants, strict=True)
        )

        literal: Any = jax_core.Literal

        def read(variable: Any) -> Traced:
            if type(variable) is literal:
                return Traced(np.asarray(variable.val, dtype=variable.aval.dtype))
            return known[variable]

        for equation, finished in self._plan(jaxpr):
            apply: Rule = RULES.get(equation.primitive.name, _without_rule)
            if _moves_keys(equation):
                apply = _without_rule
            found = apply(self, equation, *map(read, equation.invars))
            results = [found] if isinstance(found, Traced) else found
            for variable, result in zip(equation.outvars, results, strict=True):
                known[variable] = _typed(equation, variable.aval, result)
            for variable in finished:
                known.pop(variable, None)
        return [read(variable) for variable in jaxpr.outvars]

    def _plan(self, jaxpr: Any) -> _Plan:
        """Return the equations that the results need, each with the arrays that nothing later reads."""
        if jaxpr not in self._plans:
            wanted = {variable for variable in jaxpr.outvars if not isinstance(variable, jax_core.Literal)}
            plan: _Plan = []
            for equation in reversed(jaxpr.eqns):
                if wanted.isdisjoint(equation.outvars):
                    continue
                read = {v for v in equation.invars if not isinstance(v, jax_core.Literal)}
                unread = [v for v in equation.outvars if v not in wanted]
                plan.append((equation, (*(read - wanted), *unread)))
                wanted |= read
            self._plans[jaxpr] = plan[::-1]
        return self._plans[jaxpr]


def is_key(aval: Any) -> bool:
    """Whether a type is that of keys of random numbers, which NumPy does not have."""
    return hasattr(aval, "dtype") and not isinstance(aval.dtype, np.dtype)


def plain(value: Any) -> Any:
    """Return an array of NumPy, or JAX's where it holds keys of random numbers."""
    return value if is_key(value) else np.asarray(value)


def _moves_keys(equation: Any) -> bool:
    """Whether an equation, and none inside it, works on keys of random numbers: they depend on nothing."""
    if not any(is_key(variable.aval) for variable in (*equation.invars, *equation.outvars)):
        return False
    return not any(True for _ in jax_core.jaxprs_in_params(equation.params))


def _typed(equation: Any, aval: Any, result: Traced) -> Traced:
    """Return a result in its type: of integers and truth values nothing is kept but the value."""
    values, sets = result
    if is_key(aval):
        return Traced(values)
    if values.shape != aval.shape:
        raise RuntimeError(f"{equation.primitive.name} gave {values.shape} in place of {aval.shape}")
    if aval.dtype.kind == "c":
        raise refused(equation, f"{equation.primitive.name} of complex numbers")
    if values.dtype != aval.dtype:
        values = values.astype(aval.dtype)
    if sets is not None and (aval.dtype.kind in "iub" or not sets.any()):
        sets = None
    return Traced(values, sets)


def _without_rule(interpreter: Interpreter, equation: Any, *operands: Traced) -> list[Traced]:
    """Compute what depends on nothing; refuse the rest."""
    constant = all(operand.sets is None for operand in operands)
    if not constant and not all(_is_whole(variable.aval) for variable in equation.outvars):
        raise refused(equation)
    return value_of(equation, operands)


def _is_whole(aval: Any) -> bool:
    return is_key(aval) or aval.dtype.kind in "iub"


def value_of(equation: Any, operands: Sequence[Traced]) -> list[Traced]:
    """Let JAX itself compute an equation's values; they depend on nothing."""
    primitive = equation.primitive
    try:
        found = primitive.bind(*(operand.values for operand in operands), **primitive.get_bind_params(equation.params))
        arrays = found if primitive.multiple_results else [found]
        return [Traced(plain(array)) for array in arrays]
    except (NotImplementedError, TypeError) as error:  # what only a compiler can evaluate, such as a callback
        raise refused(equation) from error


def refused(equation: Any, name: str = "") -> UnknownPrimitiveError:
    """Return the error that names a primitive without a rule, and where it came from."""
    name = name or str(equation.primitive.name)
    summarize: Any = source_info_util.summarize
    place = summarize(equation.source_info)
    origin = f" (from {place})" if place else ""
    return UnknownPrimitiveError(
        name,
        f"expected a function of JAX primitives whose dependence is known, got {name!r}{origin}: write that "
        "line with ordinary arithmetic and jnp.linalg.solve, or compute what it gives before the step, from constants",
    )
