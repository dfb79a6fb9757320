"""A data set of an environment with a free joint says where its state holds a quaternion."""

from __future__ import annotations

import pytest

from dynsparse import load_environment
from dynsparse.rollout.collect import describe
from dynsparse.rollout.settings import CollectSettings


@pytest.mark.parametrize(("name", "places", "size"), [("FishSwim", (3,), 26), ("CheetahRun", (), 18)])
def test_description_has_the_environments_coordinates(name, places, size):
    env = load_environment(name)
    description = describe(env, CollectSettings(rows=10))
    assert (description.quaternions, description.tangent_dim) == (places, size)
    assert description.space == env.space
    assert (description.tangent_names, description.tangent_units) == (env.tangent_names, env.tangent_units)
    assert description.fields()["jac_state"].shape == (size, size)
    assert ("quaternions" in description.to_dict()) == bool(places)
