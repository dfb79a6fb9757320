from __future__ import annotations

import numpy as np
import pytest

from dynsparse.analysis.pattern import SparsityPattern, global_pattern
from dynsparse.errors import ArrayError, InputError, SettingError

# A cart (position p, velocity v) pushed by u, with a lamp l that nothing moves and that u switches.
# Outputs p', v', l'; inputs p, v, l, u.  Asymmetric, so that a transpose can not hide.
#            p    v    l     u
JACOBIAN = [
    [1.0, 0.1, 0.0, 0.0],  # p' = p + 0.1 v: the push arrives a step later
    [0.0, 0.9, 0.0, 0.5],  # v' = 0.9 v + 0.5 u
    [0.0, 0.0, 0.0, 2.0],  # l' = 2 u: forgets itself
]
EXPECTED = np.array([[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 1]], dtype=bool)
OUTPUTS, INPUTS = ("p'", "v'", "l'"), ("p", "v", "l", "u")


def pattern(**changes):
    return SparsityPattern.from_jacobian(JACOBIAN, **({"row_names": OUTPUTS, "column_names": INPUTS} | changes))


def test_local_pattern_equals_the_one_by_hand():
    found = pattern()
    assert np.array_equal(found.mask, EXPECTED)
    assert (found.shape, found.nnz, found.kind) == ((3, 4), 5, "local")
    assert found.density == pytest.approx(5 / 12)
    assert found.sparsity == pytest.approx(7 / 12)


def test_global_pattern_is_the_union_over_finite_rows():
    first = np.array([[0.0, 1.0], [0.0, 0.0], [0.0, 2.0]])  # acts on column 1 only
    second = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 0.0]])  # acts on element (1, 0)
    broken = np.array([[np.nan, 5.0], [5.0, 5.0], [5.0, 5.0]])  # must not count anywhere
    found = global_pattern(np.stack([first, broken, second]))
    assert found.mask.tolist() == [[False, True], [True, False], [False, True]]
    assert (found.kind, found.samples) == ("global", 2)


def test_threshold_decides():
    tiny = np.array([[1e-13, 1.0]])
    assert SparsityPattern.from_jacobian(tiny, atol=1e-15).nnz == 2
    assert SparsityPattern.from_jacobian(tiny, atol=1e-12).nnz == 1


def test_no_finite_matrix_is_an_error_and_no_pattern():
    with pytest.raises(ArrayError, match="at least one finite matrix, got 3"):
        global_pattern(np.full((3, 2, 2), np.nan))
    with pytest.raises(ArrayError, match="finite"):
        SparsityPattern.from_jacobian([[np.nan, 1.0]])


def test_a_transpose_or_another_name_is_another_pattern():
    square = np.array([[1.0, 0.0], [2.0, 3.0]])
    one = SparsityPattern.from_jacobian(square)
    assert one == SparsityPattern.from_jacobian(square * 7.0)
    assert hash(one) == hash(SparsityPattern.from_jacobian(square * 7.0))
    assert one != SparsityPattern.from_jacobian(square.T)
    assert pattern() != pattern(column_names=("p", "v", "u", "l"))
    assert pattern() != pattern(atol=1e-9)
    # Same bytes, other shape.
    assert SparsityPattern(np.ones((2, 3), bool)) != SparsityPattern(np.ones((3, 2), bool))
    assert pattern() != "a pattern"


def test_mask_can_not_be_changed():
    mask = EXPECTED.copy()
    found = SparsityPattern(mask)
    mask[0, 0] = False
    assert found.mask[0, 0]
    with pytest.raises(ValueError, match="read-only"):
        found.mask[0, 0] = False


def test_text_shows_the_grid_with_names():
    text = str(pattern())
    assert text.splitlines() == [
        "SparsityPattern(3x4, nnz=5, density=41.7%, sparsity=58.3%, local, atol=1e-15)",
        "  0 1 2 3",
        "0 ● ● ⋅ ⋅  p'",
        "1 ⋅ ● ⋅ ●  v'",
        "2 ⋅ ⋅ ⋅ ●  l'",
        "columns: 0 p, 1 v, 2 l, 3 u",
    ]


def test_wide_pattern_is_drawn_in_braille():
    mask = np.zeros((4, 42), dtype=bool)
    mask[0, 0] = mask[3, 41] = True
    lines = str(SparsityPattern(mask)).splitlines()
    assert lines[1] == "⠁" + "⠀" * 19 + "⢀"
    assert len(lines) == 2


def test_saved_pattern_is_equal_when_read(tmp_path):
    original = global_pattern(np.stack([JACOBIAN, JACOBIAN]), row_names=OUTPUTS, column_names=INPUTS, atol=1e-12)
    original.save(tmp_path / "pattern.npz")
    loaded = SparsityPattern.load(tmp_path / "pattern.npz")
    assert loaded == original
    assert (loaded.samples, loaded.row_names) == (2, OUTPUTS)


def test_other_formats_and_other_files_are_refused(tmp_path):
    np.savez(tmp_path / "later.npz", format=np.int64(2), mask=EXPECTED)
    with pytest.raises(InputError, match="format 1"):
        SparsityPattern.load(tmp_path / "later.npz")
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(InputError, match="expected a pattern"):
        SparsityPattern.load(tmp_path / "text.npz")
    np.savez(tmp_path / "object.npz", format=np.array([{}], dtype=object))
    with pytest.raises(InputError, match="expected a pattern"):
        SparsityPattern.load(tmp_path / "object.npz")


@pytest.mark.parametrize(
    ("build", "error"),
    [
        (lambda: SparsityPattern(np.ones((2, 2))), ArrayError),
        (lambda: SparsityPattern(np.ones(3, bool)), ArrayError),
        (lambda: SparsityPattern(np.ones((2, 2), bool), ("a",)), ArrayError),
        (lambda: SparsityPattern(np.ones((2, 2), bool), kind="regional"), SettingError),
        (lambda: SparsityPattern.from_jacobian(np.ones(3)), ArrayError),
        (lambda: SparsityPattern.from_jacobian([["a"]]), ArrayError),
        (lambda: SparsityPattern.from_jacobian(np.ones((3, 2, 2)), kind="local"), SettingError),
        (lambda: global_pattern(np.ones((2, 2))), ArrayError),
        (lambda: pattern(atol=-1.0), SettingError),
    ],
)
def test_what_is_no_pattern_is_refused(build, error):
    with pytest.raises(error):
        build()
