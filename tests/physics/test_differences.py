from __future__ import annotations

import numpy as np

from dynsparse.physics.differences import difference_columns
from dynsparse.physics.linearization import Evaluation


class Cubic:
    """next_state = A state + B action + (state_0)^3 in the last element, with far-off positions."""

    A = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, -2.0], [0.25, 0.0, 3.0]])
    B = np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0]])

    def __init__(self):
        self.calls = 0

    def evaluate(self, states, actions, warmstarts=None):
        self.calls += 1
        after = states @ self.A.T + actions @ self.B.T
        after[:, 2] += states[:, 0] ** 3 + warmstarts[:, 0]
        none = np.zeros((len(states), 5), dtype=bool)
        return Evaluation(after, warmstarts, np.zeros(len(states)), none, none, none)


def test_all_four_slopes_are_those_of_the_function_and_not_their_transpose():
    rng = np.random.default_rng(0)
    states, actions = rng.normal(0.0, 1.0, (7, 3)), rng.normal(0.0, 1.0, (7, 2))
    step = Cubic()
    slopes = difference_columns(step, states, actions, rng.normal(0.0, 1.0, (7, 1)))
    assert step.calls == 1
    expected = np.repeat(np.concatenate([Cubic.A, Cubic.B], axis=1)[None], 7, axis=0)
    expected[:, 2, 0] += 3 * states[:, 0] ** 2
    # Central: round-off of 1e-16 over the step.  One-sided: 3 |x| times the step besides.
    np.testing.assert_allclose(slopes.central_coarse, expected, atol=1e-9)
    np.testing.assert_allclose(slopes.central_fine, expected, atol=1e-8)
    np.testing.assert_allclose(slopes.forward, expected, atol=2e-5)
    np.testing.assert_allclose(slopes.backward, expected, atol=2e-5)
    bend = 0.5 * (slopes.forward - slopes.backward)[:, 2, 0] / 1e-6
    np.testing.assert_allclose(bend, 3 * states[:, 0], atol=1e-2)


def test_slopes_are_divided_by_the_distance_that_was_really_moved():
    # At 1,000 m a step of 1e-6 is rounded by 1e-13 m, which would be an error of 1e-7 of the slope.
    states = np.array([[0.1, 1000.1, 0.2]])
    slopes = difference_columns(Cubic(), states, np.zeros((1, 2)), np.zeros((1, 1)))
    exactly = states[0, 1]
    moved = (exactly + 1e-6) - (exactly - 1e-6)
    high, low = 0.1 + 0.5 * (exactly + 1e-6), 0.1 + 0.5 * (exactly - 1e-6)
    assert slopes.central_fine[0, 0, 1] == (high - low) / moved
