"""explore, as a user runs it: what it finds, writes, says, keeps and refuses."""

from __future__ import annotations

import json
import re
import shutil
import webbrowser
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dynsparse.cli import main
from dynsparse.cli.explore_artist import Artist
from dynsparse.cli.explore_embedding import scatter_in
from dynsparse.cli.explore_source import find_sources
from dynsparse.dataset import DatasetDescription, create_dataset, finite_rows, open_dataset
from dynsparse.errors import RenderError
from dynsparse.provenance import content_hash
from dynsparse.report.explore_causes import UNKNOWN, RowCauses
from dynsparse.report.explore_rollout import read_rollout

from ..report.invented_embedding import invented

LOST = 3
"""A row that is not finite."""


def run(*words):
    return main([str(word) for word in words])


def store(
    path, environment="Toy", rows=24, *, states="rollout", policy="paper", commit=True, steps=12, derivative="exact"
):
    """Write a data set of two states and one action in which nothing moves."""
    description = DatasetDescription(
        environment=environment, state_names=("qpos x", "qvel x"), state_units=("m", "m/s"), action_names=("push",),
        action_low=(-1.0,), action_high=(1.0,), constraint_names=(), nv=1, rows=rows, episode_steps=steps,
        episodes_per_block=24, policy={"name": policy, "family": "uniform", "sha256": None}, seed=0, substeps=1, dt=0.1,
        states=states, derivative=derivative,
    )  # fmt: skip
    with create_dataset(path, description) as writer:
        for block in writer.missing if commit else ():
            place = description.block_rows(block)
            n = place.stop - place.start
            row = np.arange(place.start, place.stop)
            arrays = {name: np.zeros((n, *spec.shape), spec.dtype) for name, spec in description.fields().items()}
            arrays["jac_state"][:, 0] = arrays["jac_action"][:, 0] = 1.0
            arrays["jac_state"][row == LOST, 0, 0] = np.nan
            arrays["episode"], arrays["t"] = np.divmod(row, steps)
            writer.commit(block, arrays | {"finite": finite_rows(arrays)})
    return path


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A folder as reproduce leaves it."""
    folder = tmp_path_factory.mktemp("stored")
    for place, more in (
        ("data/CheetahRun", {"environment": "CheetahRun", "policy": "CheetahRun-paper"}),
        ("data/Arm", {"environment": "Arm"}),
        ("policies/random/CheetahRun", {"environment": "CheetahRun", "policy": "random"}),
        ("policies/coverage/CheetahRun", {"environment": "CheetahRun", "states": "coverage", "steps": 1}),
        ("policies/paper/Arm", {"environment": "Arm"}),
    ):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        store(folder / place, **more)
    return folder


@pytest.fixture(scope="module")
def stored_arm(tmp_path_factory):
    return store(tmp_path_factory.mktemp("arm") / "arm")


@pytest.fixture
def arm(stored_arm, own_folder):
    """One data set of two episodes, in a folder of data sets."""
    shutil.copytree(stored_arm, "data/arm")
    return Path("data/arm")


@pytest.fixture
def study(stored, own_folder):
    """A copy of it."""
    shutil.copytree(stored, "study")
    return Path("study")


@pytest.fixture
def browser(monkeypatch):
    """Note what would be opened."""
    shown = []
    monkeypatch.setattr(webbrowser, "open", shown.append)
    return shown


def rollouts(page):
    return json.loads(re.search(r'id="catalogue">(.*?)</script>', Path(page).read_text("utf-8")).group(1))["rollouts"]


def test_a_study_is_found_whole_in_the_papers_order(study):
    sources, notes = find_sources(study)
    assert [(source.dataset.environment, source.policy) for source in sources] == [
        ("CheetahRun", "paper"),
        ("CheetahRun", "coverage states"),
        ("CheetahRun", "random"),
        ("Arm", "paper"),
    ]
    assert [source.analysis for source in sources[:2]] == [study / "analysis/CheetahRun", None]
    # What a study compared with its own data, of the same policy, is no further rollout.
    assert sources[3].dataset.path == study / "data/Arm" and sources[3].title == "Arm, paper"
    assert re.fullmatch(r"Arm-paper-[0-9a-f]{12}", sources[3].stem)
    assert notes == ()


def test_no_two_sources_share_a_name(own_folder):
    named = [("A", "b-c"), ("A-b", "c"), ("A", "b c"), ("a", "B-C"), ("A", "paper"), ("A", "paper"), ("A", "paper (4)")]
    for k, (environment, policy) in enumerate(named):
        store(Path("data") / str(k), environment, policy=policy)
    sources, _ = find_sources(Path("data"))
    assert len({source.stem.lower() for source in sources}) == len(named)
    policies = {int(source.dataset.path.name): source.policy for source in sources}
    assert policies == {0: "b-c", 1: "c", 2: "b c", 3: "B-C", 4: "paper (4) (4)", 5: "paper (5)", 6: "paper (4) (6)"}
    assert run("explore", "data", "--no-frames") == 0
    shown = [(entry["environment"], entry["policy"]) for entry in rollouts("data/explore.html")]
    assert len(set(shown)) == len(named)


def test_one_page_of_a_study(study, capsys, browser):
    assert run("explore", study, "--no-frames") == 0
    told = capsys.readouterr().out
    assert re.fullmatch(r"study/explore.html: 4 rollouts of 300 steps at most, 0.[12] MiB\n", told)
    assert browser == []  # no terminal
    found = rollouts("study/explore.html")
    assert [(entry["policy"], entry["steps"], entry["isRollout"]) for entry in found[:2]] == [
        ("paper", 12, True), ("coverage states", 24, False),
    ]  # fmt: skip
    before = Path("study/explore.html").read_bytes()
    assert b"analysis/CheetahRun holds no embedding.npz: dynsparse reproduce" in before
    assert run("explore", study, "--no-frames") == 0  # its own page is replaced
    assert Path("study/explore.html").read_bytes() == before


def test_the_embedding_is_shown_where_it_is_of_this_data(study):
    path = store(Path("study/data/Reacher"), "Reacher", rows=80, steps=20)
    folder = Path("study/analysis/Reacher")
    folder.mkdir(parents=True)
    dataset = open_dataset(path)
    rollout = read_rollout(dataset, 1, "paper", steps=6)
    assert scatter_in(None, dataset, rollout).missing.startswith("Only the data that a reproduction analyses")
    assert "holds no embedding.npz: dynsparse reproduce" in scatter_in(folder, dataset, rollout).missing
    identity = {"extra": {"dataset": {"description_sha256": content_hash(dataset.description.to_dict())}}}
    record = replace(invented("Reacher"), provenance=identity)
    record.save(folder)
    found = scatter_in(folder, dataset, rollout)
    assert found.missing == "" and len(found.points) == 80
    assert np.array_equal(found.own, record.points[20:26]) and np.array_equal(found.sparsity, record.sparsity)
    assert (
        "zeros as |x| < 1e-15, this page as < 1e-12"
        in scatter_in(folder, dataset, replace(rollout, atol=1e-12)).missing
    )
    other = {"extra": {"dataset": {"description_sha256": "0" * 64}}}
    for strange in (
        replace(record, provenance=other),
        replace(record, data_rows=81),
        replace(record, environment="Arm"),
    ):
        strange.save(folder)
        assert "holds the embedding of another data set" in scatter_in(folder, dataset, rollout).missing


def test_it_is_opened_on_a_terminal_unless_told_not_to(study, browser, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert run("explore", study, "--no-frames", "--no-open") == 0
    assert browser == []
    assert run("explore", study, "--no-frames") == 0
    assert browser == [Path("study/explore.html").resolve().as_uri()]


def test_of_one_data_set_the_page_lies_beside_it(arm):
    before = {path: path.read_bytes() for path in Path("data").rglob("*") if path.is_file()}
    assert run("explore", "data/arm", "--no-frames", "--episode", 1, "--steps", 5) == 0
    (entry,) = rollouts("data/arm-explore.html")
    assert (entry["episode"], entry["steps"], entry["episodeSteps"]) == (1, 5, 12)
    assert {path: path.read_bytes() for path in before} == before
    assert set(Path("data").iterdir()) == {Path("data/arm"), Path("data/arm-explore.html")}
    assert run("explore", "data", "--no-frames", "--out", "new/page.html") == 0
    assert [entry["environment"] for entry in rollouts("new/page.html")] == ["Toy"]


def test_where_nothing_can_draw_page_and_terminal_say_so(study, capsys, monkeypatch):
    asked = []

    def refuse(self, dataset):
        asked.append(dataset.environment)
        raise RenderError("nothing can draw here (egl: gone); install EGL")

    monkeypatch.setattr(Artist, "_open", refuse)
    assert run("explore", study) == 0
    told = capsys.readouterr().out
    assert told.count("No frames") == told.count("- No frames: nothing can draw here (egl: gone); install EGL\n") == 1
    assert asked == ["CheetahRun"]  # whoever can not draw one can draw none
    page = Path("study/explore.html").read_text("utf-8")
    assert "<li>No frames: nothing can draw here (egl: gone); install EGL</li>" in page
    assert page.count('"missing":"nothing can draw here (egl: gone); install EGL"') == 4


def test_a_model_that_is_not_here_leaves_the_others_their_frames(own_folder, capsys, monkeypatch):
    store(Path("data/arm"), "NoSuchArm")
    assert run("explore", "data") == 0
    assert "- No frames of NoSuchArm: " in capsys.readouterr().out


def test_what_was_left_out_for_the_budget_is_told(own_folder, capsys):
    store(Path("data/arm"), rows=120, steps=120)
    assert run("explore", "data", "--no-frames") == 0
    size = Path("data/explore.html").stat().st_size
    assert run("explore", "data", "--no-frames", "--budget-mib", (size - 200) / 2**20) == 0
    assert "- Only the first 60 steps, to keep the page under" in capsys.readouterr().out
    assert rollouts("data/explore.html")[0]["steps"] == 60


def test_a_folder_with_everything(study, capsys):
    assert run("explore", study, "--no-frames", "--full", "all") == 0
    told = capsys.readouterr().out
    # Two episodes of each data set, and all states of the one without rollouts at once.
    assert told.startswith("all/index.html: 7 rollouts of all steps, ")
    found = rollouts("all/index.html")
    assert len(found) == 7 and all((Path("all") / entry["src"]).is_file() for entry in found)
    assert run("explore", study, "--no-frames", "--full", "all") == 2
    assert "all is not empty and is kept" in capsys.readouterr().err
    assert run("explore", study, "--no-frames", "--full", "all", "--overwrite") == 0
    assert run("explore", study / "data/Arm", "--no-frames", "--full", "all", "--overwrite") == 0
    assert [path.name for path in sorted(Path("all/data").iterdir())] == ["rollout-0.js", "rollout-1.js"]


def test_a_folder_that_would_be_too_large_is_refused_before_anything_is_written(study, only_line):
    # 7 rollouts of 12 or 24 steps of 6 elements, 5 frames of 6,000 bytes each: no MiB, but more than a hundredth.
    assert run("explore", study, "--full", "all", "--budget-mib", "0.01") == 2
    said = only_line()
    # 6 x 12 x 2 + 24 rows of 6 x 8.375 + 2,000 bytes, a third more for base64.
    rows = 6 * 12 + 24
    assert f"--full would write about {rows * (6 * 8.375 + 2000) * 4 / 3 / 2**20:.2g} MiB, more than the 0.01" in said
    assert "(24 rows); leave --full out, name a smaller data set, or allow more with --budget-mib" in said
    assert not Path("all").exists()


def test_a_folder_says_of_which_rollout_it_holds_the_first_steps_only(study, capsys, monkeypatch):
    monkeypatch.setattr("dynsparse.report.explore_folder._MOST_STEPS", 9)
    assert run("explore", study / "policies/coverage", "--no-frames", "--full", "all") == 0
    told = capsys.readouterr().out
    assert "- CheetahRun, coverage states: the first 9 of 24 states only, because a browser holds no more" in told
    (entry,) = rollouts("all/index.html")
    assert (entry["steps"], entry["episodeSteps"]) == (9, 24)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["empty"], "expected data sets in empty, which holds nothing; make one with dynsparse collect"),
        (["other"], "expected data sets in other, which holds notes.txt; make one with"),
        (["gone"], "expected a folder of data sets, got nothing at gone"),
        (["other/notes.txt"], "got a file at other/notes.txt"),
        (["started"], "data sets without a committed row (Toy)"),
        (["data", "--episode", "9"], "has no episode 9, it holds 2 committed ones, 0 to 1"),
        (["data", "--episode", "-1"], "episode must be a whole number of at least 0"),
        (["data", "--steps", "0"], "steps must be a whole number of at least 1"),
        (["data", "--budget-mib", "0"], "budget_mib must be above 0, got 0.0"),
        (["data", "--budget-mib", "0.01"], "allow more with --budget-mib"),
        (["data", "--causes", "Cheeta"], "expected environments that are there, got 'Cheeta'"),
        (["data", "--out", "other/notes.txt"], "other/notes.txt exists and is kept"),
        (["data", "--out", "x.html", "--full", "y"], "--out and --full exclude each other"),
        (["data", "--full", "other/notes.txt"], "expected --full to name a folder, other/notes.txt is a file"),
        (["data", "--full", "data/arm"], "data/arm is a data set, nothing is written into it"),
        (["data", "--atol", "-1"], "atol must be"),
    ],
)
def test_bad_usage_is_one_line_and_writes_nothing(words, said, arm, own_folder, only_line):
    Path("empty").mkdir()
    Path("other").mkdir()
    Path("other/notes.txt").write_text("mine")
    if words == ["started"]:
        store(Path("started/Toy"), commit=False)
    before = {path: path.read_bytes() for path in own_folder.rglob("*") if path.is_file()}
    assert run("explore", *words, "--no-frames") in (1, 2)
    assert said in only_line()
    assert {path: path.read_bytes() for path in own_folder.rglob("*") if path.is_file()} == before


def test_a_data_set_that_has_no_rows_yet_is_told(arm, capsys):
    store(Path("data/begun"), commit=False)
    assert run("explore", "data", "--no-frames") == 0
    assert "- begun holds no committed row yet and is left out.\n" in capsys.readouterr().out


def test_damage_is_not_passed_over(arm, only_line):
    files = [file for file in (arm / "jac_state").rglob("*") if file.is_file() and file.name != "zarr.json"]
    assert files
    files[0].write_bytes(b"torn")
    assert run("explore", "data", "--no-frames") == 1
    assert "altered" in only_line()


def test_causes_are_measured_once_and_kept(arm, capsys, monkeypatch):
    asked = []

    def explain(env, states, actions, warmstarts, *, jacobians, constraint_active, converged, evidence, atol, **_more):
        asked.append((env, len(states), converged.all(), len(evidence[0]), atol))
        zero = np.abs(np.concatenate(jacobians, axis=2)) < atol
        return SimpleNamespace(labels=np.where(zero, 4, 0))

    monkeypatch.setattr("dynsparse.physics.zero_causes.explain_zeros", explain)
    monkeypatch.setattr("dynsparse.cli.stored.environment_of", lambda dataset, own: dataset.environment)
    words = ("explore", "data", "--no-frames", "--steps", 8)
    assert run(*words, "--causes", "all") == 0
    # Of 24 rows the 8 that are shown are explained, but for the one that is not finite; the other 16 are evidence.
    assert asked == [("Toy", 7, True, 16, 1e-15)]
    (source,), _ = find_sources(Path("data"))
    record = RowCauses.load("data/explore", f"{source.stem}-0")
    expected = np.full((8, 2, 3), 4, dtype=np.uint8)
    expected[:, 0] = 0
    expected[LOST] = UNKNOWN
    assert np.array_equal(record.labels, expected) and record.places.tolist() == list(range(8))
    first = Path("data/explore.html").read_bytes()
    assert b'"causes":{"steps":8' in first
    assert run(*words, "--causes", "Toy") == 0  # what is kept is not measured again
    assert run(*words) == 0
    assert len(asked) == 1 and Path("data/explore.html").read_bytes() == first
    capsys.readouterr()
    assert run(*words, "--atol", 1e-12) == 0
    assert "holds causes of other rows than those shown, which are not used" in capsys.readouterr().out
    assert b'"causes":null' in Path("data/explore.html").read_bytes()
    assert run("explore", "data", "--no-frames", "--causes", "Toy") == 0  # all 12 steps: 8 were explained
    assert asked[1][1] == 11


def test_zeros_of_differences_are_not_explained(own_folder, only_line):
    store(Path("data/arm"), derivative="finite-difference")
    assert run("explore", "data", "--no-frames", "--causes", "all") == 2
    assert "collect with --derivative exact" in only_line()
