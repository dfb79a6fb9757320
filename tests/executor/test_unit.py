"""Units: named by what decides their result and by nothing else, and running nothing but trusted functions."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from dynsparse.errors import SettingError
from dynsparse.executor.unit import CheckedResult, Unit, check_function, deciding_versions, resolve

from .conftest import toy


def test_key_is_the_hash_of_function_arguments_and_versions():
    unit = Unit("dynsparse.learning.unit:run_unit", {"b": [1, 2.5], "a": None}, versions={"numpy": "2.4.6"})
    written = (
        '{"arguments":{"a":null,"b":[1,2.5]},"function":"dynsparse.learning.unit:run_unit",'
        '"versions":{"numpy":"2.4.6"}}'
    )
    assert unit.key == hashlib.sha256(written.encode()).hexdigest()


def test_versions_of_the_deciding_packages_are_in_the_key():
    assert deciding_versions()["numpy"] == np.__version__
    assert {"dynsparse", "jax", "jaxlib", "optax"} <= set(deciding_versions())
    unit = toy("square", n=1)
    assert unit.key != Unit(unit.function, unit.arguments, versions={**deciding_versions(), "jax": "0.0.1"}).key


def test_what_decides_nothing_is_not_in_the_key():
    unit = toy("square", n=1, seconds=2)
    assert unit.key == Unit("toy_units:square", {"seconds": 2, "n": 1}, {"log": "elsewhere"}, group="g").key
    assert len({unit.key, toy("square", n=2, seconds=2).key, toy("fail", n=1, seconds=2).key}) == 3


def test_unit_keeps_what_it_was_built_from():
    arguments = {"list": [1], "tuple": (1, 2)}
    unit = Unit("m:f", arguments)
    key = unit.key
    arguments["list"].append(2)
    assert unit.arguments == {"list": [1], "tuple": [1, 2]}
    assert Unit("m:f", unit.arguments).key == key


def test_places_are_made_absolute(tmp_path):
    assert Unit("m:f", {}, {"dataset": "data/cheetah"}).context == {"dataset": str(tmp_path / "data" / "cheetah")}


@pytest.mark.parametrize("name", ["f", "m:", ":f", "m:f.g", "m.:f", "m:f:g", "m f:g", "../m:f", "m:f()", "m:f\n", ""])
def test_name_of_no_function_is_refused(name):
    with pytest.raises(SettingError, match="expected a function such as"):
        Unit(name, {})


@pytest.mark.parametrize("value", [float("nan"), object(), {1: 2}, np.float32(1)])
def test_argument_that_is_not_json_is_refused(value):
    with pytest.raises(SettingError, match="expected"):
        Unit("m:f", {"x": value})


def test_trusted_function_is_found():
    assert resolve("dynsparse.provenance:content_hash")({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("os:system", "inside dynsparse"),
        ("dynsparse_of_another:f", "inside dynsparse"),
        ("toy_units:square", "inside dynsparse"),
        ("dynsparse.provenance:Provenance", "defined in"),  # no function
        ("dynsparse.provenance:dataclass", "defined in"),  # from elsewhere
        ("dynsparse.executor.store:content_hash", "defined in"),  # trusted, but not there
        ("dynsparse.provenance:no_such", "defined in"),
    ],
)
def test_other_function_is_refused(name, why):
    with pytest.raises(SettingError, match=why):
        resolve(name)


def test_prefix_is_a_package_and_not_a_beginning_of_a_name():
    check_function("toy_units.inner:f", ["toy_units"])
    with pytest.raises(SettingError, match="inside toy"):
        check_function("toy_units:f", ["toy"])


def test_result_is_plain_and_complete():
    result = CheckedResult({"x": (1, 2)}, {"a": np.zeros(0, np.int8), "b": np.array(True)}, {"seconds": 1.0})
    assert result.record == {"x": [1, 2]}


@pytest.mark.parametrize(
    ("record", "arrays", "measured", "why"),
    [
        ({"x": float("inf")}, {}, {}, "plain JSON"),
        ({}, {}, {"x": np.float32(1)}, "plain JSON"),
        ({}, {"x": [1.0]}, {}, "list under 'x'"),
        ({}, {"x": np.array([None])}, {}, "dtype object under 'x'"),
        ({}, {"x": np.array([1j])}, {}, "dtype complex128 under 'x'"),
        pytest.param(
            *({}, {"x": np.zeros(2, np.longdouble)}, {}, "dtype float128 under 'x'"),
            marks=pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="no longer double here"),
        ),
    ],
)
def test_result_that_can_not_be_stored_is_refused(record, arrays, measured, why):
    with pytest.raises(SettingError, match=why):
        CheckedResult(record, arrays, measured)


def test_json_of_floats_is_exact():
    values = [5e-324, 0.1, 1e22, -0.0, float(np.nextafter(1, 2))]
    kept = CheckedResult({"x": values}).record["x"]
    assert [x.hex() for x in kept] == [x.hex() for x in values] == [x.hex() for x in json.loads(json.dumps(values))]
