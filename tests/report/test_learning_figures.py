"""Figures of learned models: what is drawn is where its number is, and what is missing is said."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from dynsparse.errors import InputError
from dynsparse.report.comparison import compare
from dynsparse.report.contact_split import contact_pair, contact_split, draw_contact, draw_contact_by_environment
from dynsparse.report.figure import WIDTH
from dynsparse.report.learning_gallery import learning_drawings
from dynsparse.report.learning_records import read_learning_records
from dynsparse.report.learning_results import learning_results
from dynsparse.report.learning_table import make_learning_table
from dynsparse.report.loss_looks import in_usual_order, look_of
from dynsparse.report.model_thresholds import draw_model_thresholds, model_thresholds
from dynsparse.report.open_loop import draw_open_loop, draw_open_loop_by_contact, open_loop_errors
from dynsparse.report.panel_grid import BOTH_COLUMNS, new_grid
from dynsparse.report.prediction_error import (
    draw_curves,
    draw_errors,
    draw_errors_by_environment,
    training_curves,
)
from dynsparse.report.recovered_sparsity import (
    draw_figure8,
    draw_relative_sparsity,
    draw_sparsity_by_environment,
    recovered_sparsity,
)
from dynsparse.report.recovery_scores import RECOVERY, draw_recovery
from dynsparse.report.seed_statistics import interquartile_mean

from .invented_learning import LOSSES, REFEREES, sweep_of, training, write

FAILING = [("CheetahRun", "state", 1), *(("FingerSpin", "state-jacobian", seed) for seed in range(3))]
FEW = ("CartpoleBalance", "CheetahRun", "FingerSpin")


def read(folder, records):
    return make_learning_table(read_learning_records(write(folder, records)))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    records = sweep_of(FEW, failing=FAILING, epochs=20)
    zeros = [training("CartpoleBalance", "state", seed, zero=True, epochs=20) for seed in range(3)]
    names = {record["key"] for record in zeros}
    return read(tmp_path_factory.mktemp("units"), [r for r in records if r["key"] not in names] + zeros)


@pytest.fixture(scope="module")
def lonely(tmp_path_factory):
    records = [training("CheetahRun", loss, 0, epochs=5, splits=("step",)) for loss in LOSSES[:2]]
    return read(tmp_path_factory.mktemp("units"), records)


def shown(axes):
    """Return the places of the markers of a dot plot, by label."""
    named = axes.yaxis.get_major_formatter()  # inner panels have the names, and do not show them
    labels = [named(place) for place in axes.get_yticks()]
    found = {label: [] for label in labels}
    for line in axes.lines:
        heights = set(line.get_ydata())
        if len(heights) == 1 and line.get_marker() not in ("None", None, "", "|"):
            found[labels[round(heights.pop())]].append(float(line.get_xdata()[0]))
    return found


def bars(axes):
    """Return the ends of the bars of a dot plot, by height."""
    return {
        round(line.get_ydata()[0]): tuple(line.get_xdata())
        for line in axes.lines
        if line.get_marker() == "|" and line.get_linestyle() == "-"
    }


def words(axes):
    return [text.get_text() for text in axes.texts]


def test_looks_differ_in_colour_line_marker_and_grey():
    looks = [look_of(name) for name in LOSSES]
    for part in ("label", "colour", "marker"):
        assert len({getattr(look, part) for look in looks}) == len(LOSSES)
    assert len({str(look.line) for look in looks}) == len(LOSSES)
    greys = sorted(
        sum(w * c for w, c in zip((0.299, 0.587, 0.114), matplotlib.colors.to_rgb(look.colour), strict=True))
        for look in looks
    )
    assert min(np.diff(greys)) > 0.04
    assert not any(look_of(name).is_loss for name in REFEREES)
    assert look_of("my-loss").label == "my-loss" and look_of("my-loss") == look_of("my-loss")
    assert in_usual_order(["z", "truth", "state-jacobian", "state", "a"]) == (
        "state", "state-jacobian", "truth", "a", "z",
    )  # fmt: skip


def test_errors_stand_at_their_means_and_intervals(table):
    errors = compare(table, "prediction.mse", "step")
    (axes,) = draw_errors(errors).axes
    found = shown(axes)
    for loss in LOSSES:
        assert found[look_of(loss).label] == [errors.score(loss).estimate.value]
    estimate = errors.score("state-jacobian-l1").estimate
    assert bars(axes)[LOSSES.index("state-jacobian-l1")] == (estimate.low, estimate.high)
    # Both losses with failed runs say how many there are.
    assert words(axes) == ["8/9", "6/9"]
    assert list(found)[-1] == "identity" and axes.get_xscale() == "log"


def test_a_loss_without_runs_says_so_in_its_line(table):
    panels = draw_errors_by_environment(compare(table, "prediction.mse", "step")).axes
    by_name = {axes.get_title(loc="left"): axes for axes in panels}
    assert list(by_name) == list(table.environments)
    assert words(by_name["FingerSpin"]) == ["3 failed"]
    assert words(by_name["CheetahRun"]) == ["2/3"]
    assert words(by_name["CartpoleBalance"]) == []
    assert shown(by_name["FingerSpin"])["+ MSE(J)"] == []


def test_figure_8_has_the_initial_and_the_true_sparsity(table):
    found = recovered_sparsity(table, "step")
    _, right = draw_figure8(compare(table, "prediction.mse", "step"), found).axes
    assert shown(right)["initial"] == [found.initial[None].estimate.value]
    true = found.true[None].estimate.value
    assert [list(line.get_xdata()) for line in right.lines if list(line.get_ydata()) == [0, 1]][-1] == [true, true]
    assert f"true {true:.3g}" in right.get_title(loc="right")


def test_a_sparsity_of_zero_stands_in_the_strip_of_zero(table):
    found = recovered_sparsity(table, "step")
    panels = draw_sparsity_by_environment(found).axes
    (axes,) = (axes for axes in panels if axes.get_title(loc="left") == "CartpoleBalance")
    (place,) = shown(axes)["state"]
    (strip,) = axes.patches
    assert 0 < place < strip.get_x() + strip.get_width() < shown(axes)["initial"][0]
    names = [axes.xaxis.get_major_formatter()(tick) for tick in axes.get_xticks()]
    assert names[0] == "0" and axes.get_xticks()[0] == place


def test_relative_sparsity_has_both_ends_of_training_on_one_axis(table):
    found = recovered_sparsity(table, "step")
    panels = draw_relative_sparsity(found).axes
    assert len({axes.get_xlim() for axes in panels}) == 1
    (axes,) = (axes for axes in panels if axes.get_title(loc="left") == "CheetahRun")
    for loss in LOSSES:
        ends = [one.score(loss, "CheetahRun").estimate.value for one in (found.relative_initial, found.relative)]
        assert shown(axes)[look_of(loss).label] == pytest.approx(ends)
    assert all(axes.get_xlim()[1] > 1 for axes in panels)


def test_curves_are_means_over_seeds_with_bands(table):
    curves = training_curves(table, "episode", seed=2)
    rows = [row for row in table.select("episode", "state-jacobian", "CheetahRun") if row.status == "done"]
    curve = curves["CheetahRun", "state-jacobian"]
    np.testing.assert_allclose(curve.mean, interquartile_mean(np.array([row.curve for row in rows])))
    assert (curve.low <= curve.mean).all() and (curve.mean <= curve.high).all()
    assert (curves["FingerSpin", "state-jacobian"].runs, curves["FingerSpin", "state-jacobian"].expected) == (0, 3)
    figure = draw_curves(curves, table.environments, table.losses, "episode")
    assert "unseen episodes" in figure.get_suptitle()
    by_name = {axes.get_title(loc="left"): axes for axes in figure.axes}
    lines = by_name["CheetahRun"].lines
    np.testing.assert_array_equal(lines[1].get_ydata(), curve.mean)
    np.testing.assert_array_equal(lines[1].get_xdata(), np.arange(21))
    assert len(by_name["CheetahRun"].collections) == len(LOSSES)
    assert by_name["CheetahRun"].get_title(loc="right") == "14/15 runs"
    assert by_name["FingerSpin"].get_title(loc="right") == "12/15 runs"
    assert by_name["CartpoleBalance"].get_title(loc="right") == ""
    assert len({line.get_marker() for line in lines}) == len({str(line.get_linestyle()) for line in lines}) + 1 == 5


def test_runs_of_different_length_are_not_averaged(tmp_path):
    records = [training("CheetahRun", "state", 0), training("CheetahRun", "state", 1)]
    for part in ("epoch", "test_step", "test_episode"):
        records[1]["result"]["curve"][part] = records[1]["result"]["curve"][part][:50]
    with pytest.raises(InputError, match="tested after the same epochs, got 50 and 101 of them"):
        training_curves(read(tmp_path, records), "step")


def test_recovery_has_referees_below_the_losses_and_a_line_to_beat(table):
    scores = {name: compare(table, f"normalized.{name}", "step") for name in RECOVERY if name != "auroc_within"}
    panels = draw_recovery(scores).axes
    assert len(panels) == 6
    first = panels[0]
    assert list(shown(first)) == [look_of(name).label for name in (*LOSSES, *REFEREES)]
    assert shown(first)["truth"] == [1.0]
    reference = scores["auprc"].score("training-frequency").estimate.value
    assert any(list(line.get_xdata()) == [reference, reference] for line in first.lines)
    assert all(axes.get_xlim()[0] <= 0.01 for axes in panels if axes.get_title(loc="left") in ("leak", "miss"))
    changing = draw_recovery(scores, "CartpoleBalance").axes[1]
    assert words(changing) == ["3 undefined"] * 5 + ["1 undefined"] * 5


def test_recovery_has_a_panel_more_where_records_tell_elements_apart(tmp_path):
    records = sweep_of(("CheetahRun",), LOSSES[:1], (0, 1), epochs=2)
    for area, record in zip((0.7, 0.8), records, strict=False):
        record["result"]["final"]["step"]["normalized"]["auroc_within"] = area
    results = learning_results(read(tmp_path, records), "step", resamples=50)
    (drawing,) = [one for one in learning_drawings(results) if one.name == "learning-recovery-step"]
    panels = {axes.get_title(loc="left"): axes for axes in drawing.draw().axes}
    assert len(panels) == 7 and shown(panels["AUROC within elements"])["state"] == [0.75]


def test_thresholds_have_the_chosen_and_the_true_one_marked(table):
    sweep = model_thresholds(table, "step", resamples=100)
    assert sweep.atols == tuple(float(f"1e{power}") for power in range(-12, 0))
    assert sweep.chosen == 1e-6
    figure = draw_model_thresholds(sweep)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Over all 3 environments", *table.environments]
    axes = figure.axes[0]
    values = [one.score("state-jacobian-l1").estimate.value for one in sweep.sparsity]
    drawn = axes.lines[LOSSES.index("state-jacobian-l1")].get_ydata()
    np.testing.assert_array_equal(drawn[2:], values[2:])
    assert values[0] == 0.0 < drawn[0] < min(values[2:])  # 0 has its own place
    marks = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert [1e-6, 1e-6] in marks


def test_the_threshold_of_the_settings_is_marked(tmp_path):
    records = [training("CheetahRun", "state", seed, model_atol=1e-4) for seed in (0, 1)]
    sweep = model_thresholds(read(tmp_path, records), "step")
    assert sweep.chosen == 1e-4
    assert draw_model_thresholds(sweep).axes[0].get_xlabel() == "threshold; dotted: 1e-4"


def test_open_loop_errors_stand_over_their_steps(table):
    errors = open_loop_errors(table, "step", resamples=100)
    figure = draw_open_loop(errors)
    axes = figure.axes[2]
    assert axes.get_title(loc="left") == "CheetahRun" and axes.get_title(loc="right") == "at least 2/3 runs"
    line = axes.lines[0]
    assert list(line.get_xdata()) == [1, 5, 10, 25, 50]
    expected = [one.score("state", "CheetahRun").estimate.value for one in errors.values()]
    assert list(line.get_ydata()) == expected
    assert len(axes.lines) == len(LOSSES) + 1  # and the identity


def test_contact_is_compared_over_the_same_runs(table):
    pairs = contact_split(table, "step", resamples=100)
    pair = pairs["prediction.mse"]
    # CartpoleBalance has no contact: over all environments it is on neither side.
    for one in (pair.active, pair.inactive):
        assert one.score("state-jacobian-l1").empty == ("CartpoleBalance",)
    assert pair.inactive.score("state-jacobian-l1", "CartpoleBalance").estimate.runs == 3
    axes = draw_contact(pairs).axes[0]
    ends = [one.score("state").estimate.value for one in (pair.inactive, pair.active)]
    assert shown(axes)["state"] == pytest.approx(ends)
    # Chance, filled and hollow, where there is any: it differs between both groups of rows.
    for axes, name in zip(draw_contact(pairs).axes, (None, "auprc", "leak"), strict=True):
        drawn = [(line.get_xdata()[0], line.get_markerfacecolor()) for line in axes.lines if line.get_marker() == "d"]
        pair_of = pairs[f"normalized.{name}"] if name else None
        both = (pair_of.active, pair_of.inactive) if pair_of else ()
        assert drawn == [
            (one.score("all-ones").estimate.value, look) for one, look in zip(both, ("0.35", "white"), strict=False)
        ]
        assert all(axes.get_xlim()[0] < value < axes.get_xlim()[1] for value, _ in drawn)
    first = draw_contact_by_environment(pairs).axes[0]
    assert first.get_title(loc="left") == "CartpoleBalance"
    assert words(first) == ["0/3"] * 5 and len(shown(first)["state"]) == 1
    loops = {k: contact_pair(table, f"prediction.open_loop.{k}", "step", resamples=50) for k in (1, 50)}
    left, right = draw_open_loop_by_contact(loops).axes
    assert left.get_ylim() == right.get_ylim()
    assert left.lines[0].get_ydata()[0] == loops[1].active.score("state").estimate.value


def test_one_run_is_drawn_without_bars_in_one_column(lonely):
    figure = draw_errors_by_environment(compare(lonely, "prediction.mse", "step"))
    assert figure.get_size_inches()[0] == WIDTH
    (axes,) = figure.axes
    assert bars(axes) == {} and all(len(values) == 1 for values in shown(axes).values())
    curves = training_curves(lonely, "step")
    assert curves["CheetahRun", "state"].low is None
    assert not draw_curves(curves, lonely.environments, lonely.losses, "step").axes[0].collections


@pytest.mark.parametrize(
    ("count", "shape"), [(1, (1, 1)), (2, (1, 2)), (4, (1, 4)), (5, (2, 3)), (8, (2, 4)), (9, (3, 3))]
)
def test_panels_fill_their_rows(count, shape):
    figure, panels = new_grid("a, b", count, height=1.0, share_x=True)
    assert len(panels) == len(figure.axes) == count
    grid = panels[0].get_subplotspec().get_gridspec()
    assert (grid.nrows, grid.ncols) == shape
    assert figure.get_size_inches()[0] == (WIDTH if count == 1 else BOTH_COLUMNS)
    # Where the last row is short, labels stand below the panel above the gap.
    labelled = [axes for axes in panels if axes.xaxis.get_tick_params()["labelbottom"]]
    assert len(labelled) == grid.ncols
