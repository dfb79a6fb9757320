"""The page holds what the data set holds, within its budget, and equal input gives equal bytes."""

from __future__ import annotations

import base64
import json
import re
import struct
from dataclasses import replace

import numpy as np
import pytest

from dynsparse.dataset import open_dataset
from dynsparse.errors import InputError, SettingError
from dynsparse.report.explore_causes import UNKNOWN, RowCauses
from dynsparse.report.explore_folder import most_steps, rollout_bytes, write_folder
from dynsparse.report.explore_frames import FrameStrip, encode_frames
from dynsparse.report.explore_page import file_page
from dynsparse.report.explore_payload import Exhibit, make_payload
from dynsparse.report.explore_program import script
from dynsparse.report.explore_rollout import read_rollout
from dynsparse.report.explore_scatter import Scatter, scatter_of

from .invented_rollouts import BROKEN, store
from .page_checks import read_page

MIB = 2**20
ROWS, COLUMNS = 4, 6


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return open_dataset(store(tmp_path_factory.mktemp("data") / "Hopper"))


@pytest.fixture
def exhibit(dataset):
    rollout = read_rollout(dataset, 0, "paper", steps=30)
    frames = np.zeros((10, 12, 16, 3), dtype=np.uint8)
    frames[:, :, 8:] = 20 * np.arange(10, dtype=np.uint8)[:, None, None, None]
    rows = np.arange(0, 80, 2)
    scatter = scatter_of(rows, np.stack([rows, -rows], axis=1).astype(float), rows / 80, rollout.places)
    labels = np.where(rollout.zero, 3, 0).astype(np.uint8)
    labels[~rollout.finite] = UNKNOWN
    causes = RowCauses({"episode": 0}, rollout.places, labels, {})
    return Exhibit(rollout, encode_frames(frames, 3), scatter, causes)


def payloads(html):
    blocks = re.findall(r'<script type="application/json" id="rollout-\d+">(.*?)</script>', html, re.DOTALL)
    return [json.loads(block) for block in blocks]


def flags(text, count):
    data = base64.b64decode(text)
    return [bool(data[i // 8] >> (i % 8) & 1) for i in range(count)]


def test_unpacked_by_hand_the_page_holds_the_data_set(exhibit, dataset):
    page = file_page([exhibit], title="hopper", most_bytes=20 * MIB)
    assert page.notes == ()
    (found,) = payloads(page.html)
    whole = dataset.load()
    jacobian = np.concatenate([whole["jac_state"], whole["jac_action"]], axis=2)[:30]
    assert (found["steps"], found["episodeSteps"], found["dt"], found["atol"]) == (30, 40, 0.02, 1e-15)
    assert found["tangentNames"] == ["qpos cart", "qpos leg", "qvel cart", "qvel leg"]
    finite = np.ones(30, dtype=bool)
    finite[BROKEN] = False
    assert flags(found["finite"], 30) == finite.tolist()
    zero = (np.abs(jacobian) < 1e-15) & finite[:, None, None]
    assert zero[0].sum() == 5 and zero[8].sum() == 3
    assert flags(found["zero"], 30 * ROWS * COLUMNS) == zero.ravel().tolist()
    codes, negative = base64.b64decode(found["magnitude"]), flags(found["negative"], zero.size)
    low, high = found["scale"]
    assert (low, high) == (-15, 2)
    for code, minus, value, is_zero, row in zip(
        codes, negative, jacobian.ravel(), zero.ravel(), np.repeat(np.arange(30), 24), strict=True
    ):
        if is_zero or row == BROKEN:
            assert code == 0 and not minus
        else:
            assert code and 10 ** (low + (code - 1) / 254 * (high - low)) == pytest.approx(abs(value), rel=0.081)
            assert minus == (value < 0)
    assert flags(found["active"], 60) == whole["constraint_active"][:30].ravel().tolist()
    rewards = struct.unpack("<30f", base64.b64decode(found["reward"]))
    assert rewards == pytest.approx(whole["reward"][:30].tolist(), rel=1e-6)
    labels = base64.b64decode(found["causes"]["labels"])
    halves = [half for byte in labels for half in (byte & 15, byte >> 4)]
    assert halves[:24] == [3 if is_zero else 0 for is_zero in zero[0].ravel()]
    assert halves[24 * BROKEN : 24 * (BROKEN + 1)] == [15] * 24
    frames = found["frames"]
    assert (frames["every"], frames["type"], len(frames["pictures"])) == (3, "image/webp", 10)
    shares = struct.unpack("<40H", base64.b64decode(found["scatter"]["sparsity"]))
    assert shares == tuple(round(row / 80 * 65535) for row in range(0, 80, 2))
    own = struct.unpack("<60H", base64.b64decode(found["scatter"]["own"]))
    # Rows 0, 2, .. 78 lie on a line down to the right; of the shown ones every other has a place.
    assert flags(found["scatter"]["shown"], 30) == [t % 2 == 0 for t in range(30)]
    assert own[:2] == (0, 65535) and own[4:6] == (round(2 / 78 * 65535), round(76 / 78 * 65535))


def test_the_page_is_sound_and_loads_nothing(exhibit):
    hostile = replace(exhibit, rollout=replace(exhibit.rollout, policy="</script><b>&"))
    page = file_page([exhibit, hostile], title="<hopper>", notes=("a <note>",), most_bytes=20 * MIB)
    reader = read_page(page.html)
    assert reader.faults == []
    assert "a <note>" in reader.text and "<hopper>" in reader.text
    assert payloads(page.html)[1]["policy"] == "</script><b>&"
    assert "uPlot 1.6.32" in page.html and "Copyright (c)" in page.html
    assert script().count("class Rollout") == 1


def test_equal_input_gives_equal_bytes(exhibit, dataset):
    again = replace(exhibit, rollout=read_rollout(dataset, 0, "paper", steps=30))
    pages = [file_page([each], title="hopper", most_bytes=20 * MIB).html for each in (exhibit, again)]
    assert pages[0] == pages[1]


def test_over_budget_frames_go_first_and_the_page_says_so(exhibit):
    # Frames of noise, which nothing compresses: 10 of about 50 KiB.
    noise = np.random.default_rng(0).integers(0, 256, (10, 240, 320, 3), dtype=np.uint8)
    exhibit = replace(exhibit, frames=encode_frames(noise, 3))
    picture = len(exhibit.frames.pictures[0]) * 4 / 3
    bare = file_page([exhibit.thinned(None)], title="h", most_bytes=20 * MIB)
    assert "frames were left out" in payloads(bare.html)[0]["frames"]["missing"]
    seen = []
    for room in (11, 6, 3.5, 2.5, 0.5):
        page = file_page([exhibit], title="h", notes=("given",), most_bytes=int(bare.size + room * picture))
        assert page.size <= bare.size + room * picture and page.notes[0] == "given"
        (found,) = payloads(page.html)
        assert found["steps"] == 30
        seen.append((len(found["frames"].get("pictures", [])), found["frames"].get("every"), page.notes[1:]))
        for note in page.notes:
            assert note in read_page(page.html).text
    budget = r"to keep the page under [\d.]+ MiB"
    assert [entry[:2] for entry in seen] == [(10, 3), (5, 6), (3, 12), (2, 24), (0, None)]
    assert seen[0][2] == ()
    assert re.fullmatch(f"Frames: only every 12 steps, {budget}\\.", seen[2][2][0])
    assert re.fullmatch(f"Frames: none, they were left out {budget}\\.", seen[4][2][0])


def test_then_steps_go_and_what_can_not_be_small_is_refused(dataset):
    whole = read_rollout(dataset, 0, "paper")
    exhibit = Exhibit(whole, FrameStrip.none("none asked for"), Scatter.none("none"))
    full = file_page([exhibit], title="h", most_bytes=20 * MIB)
    page = file_page([exhibit], title="h", most_bytes=full.size - 100)
    assert payloads(page.html)[0]["steps"] == 20
    assert page.notes[0].startswith("Only the first 20 steps, to keep the page under")
    with pytest.raises(SettingError, match="allow more with --budget-mib, or write a folder with --full"):
        file_page([exhibit], title="h", most_bytes=1000)
    with pytest.raises(InputError, match="got none"):
        file_page([], title="h", most_bytes=MIB)


def test_a_folder_holds_every_digit(exhibit, dataset, tmp_path):
    whole = replace(exhibit, rollout=read_rollout(dataset, 1, "paper"))
    page = write_folder([exhibit, whole], tmp_path / "full", title="hopper", notes=["given"])
    text = (tmp_path / "full" / "data" / "rollout-1.js").read_text()
    name, data = re.fullmatch(r'dynsparseDeliver\("(.*?)",(.*)\);\n', text, re.DOTALL).groups()
    found = json.loads(data)
    assert (name, found["episode"], found["steps"]) == ("data/rollout-1.js", 1, 40)
    values = np.frombuffer(base64.b64decode(found["values"]), dtype="<f8").reshape(40, ROWS, COLUMNS)
    rows = dataset.load()
    stored = np.concatenate([rows["jac_state"], rows["jac_action"]], axis=2)[40:]
    assert np.array_equal(values, np.where(np.abs(stored) < 1e-15, 0, stored))
    html = page.read_text(encoding="utf-8")
    assert payloads(html) == [] and "given" in read_page(html).text
    catalogue = json.loads(re.search(r'id="catalogue">(.*?)</script>', html).group(1))
    assert [entry["src"] for entry in catalogue["rollouts"]] == ["data/rollout-0.js", "data/rollout-1.js"]


def test_round_off_is_told_from_zeros_and_from_numbers(exhibit):
    jacobian = exhibit.rollout.jacobian.copy()
    jacobian[0, 0] = [0, 9.9e-16, 1.1e-15, 9.9e-13, 1.01e-12, 1]
    rollout = replace(exhibit.rollout, jacobian=jacobian)
    (found,) = payloads(file_page([replace(exhibit, rollout=rollout)], title="h", most_bytes=20 * MIB).html)
    assert found["roundOff"] == 1e-12
    assert flags(found["zero"], 6) == [True, True, False, False, False, False]
    assert flags(found["small"], 6) == [True, True, True, True, False, False]
    assert not any(flags(found["small"], 30 * 24)[24 * BROKEN : 24 * (BROKEN + 1)])
    coarse = make_payload(replace(exhibit, rollout=replace(rollout, atol=1e-8)), None)
    assert coarse["small"] is None


def test_a_smaller_folder_leaves_nothing_of_a_larger_one(exhibit, tmp_path):
    folder = tmp_path / "full"
    write_folder([exhibit] * 12, folder, title="hopper")
    (folder / "data" / "rollout-mine.js").write_text("mine")
    (folder / "notes.txt").write_text("mine")
    page = folder / "index.html"

    def watched():
        assert not page.exists()  # while data change, no page names them
        yield exhibit

    write_folder(watched(), folder, title="hopper")
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert found == ["data/rollout-0.js", "data/rollout-mine.js", "index.html", "notes.txt"]


def test_the_estimate_of_a_rollout_is_about_its_file(exhibit, dataset, tmp_path):
    whole = replace(exhibit, rollout=read_rollout(dataset, 1, "paper"), frames=FrameStrip.none("-"))
    write_folder([whole], tmp_path / "full", title="hopper")
    size = (tmp_path / "full" / "data" / "rollout-0.js").stat().st_size
    assert rollout_bytes(40, 24, None) == pytest.approx(size, rel=0.4)  # small: names and the scatter weigh in
    assert rollout_bytes(40, 24, 3) - rollout_bytes(40, 24, None) == pytest.approx(40 / 3 * 6000 * 4 / 3, rel=1e-3)


def test_a_browser_holds_so_many_steps():
    assert [most_steps(elements) for elements in (6, 400, 432, 4050, 10**8)] == [10_000, 10_000, 10_000, 1234, 1]


def test_states_that_are_no_rollout_are_shown_as_such(tmp_path):
    path = store(tmp_path / "c", states="coverage", episode_steps=1, rows=12, episodes_per_block=4, seed=1)
    rollout = read_rollout(open_dataset(path), 5, "coverage states", steps=8)
    assert (len(rollout), rollout.episode, rollout.episode_steps, rollout.is_rollout) == (8, 0, 12, False)


def test_an_episode_that_is_not_there_is_refused(dataset):
    with pytest.raises(SettingError, match=r"no episode 7, it holds 2 committed ones, 0 to 1"):
        read_rollout(dataset, 7, "paper")


def test_causes_are_kept_and_belong_to_their_rows(exhibit, tmp_path):
    causes, rollout = exhibit.causes, exhibit.rollout
    causes.save(tmp_path, "Hopper-paper-0")
    again = RowCauses.load(tmp_path, "Hopper-paper-0")
    assert np.array_equal(again.labels, causes.labels) and again.rows == causes.rows
    assert again.fits({"episode": 0}, rollout.places, rollout.zero)
    assert again.fits({"episode": 0}, rollout.places[:9], rollout.zero[:9])
    assert not again.fits({"episode": 1}, rollout.places, rollout.zero)
    assert not again.fits({"episode": 0}, rollout.places + 1, rollout.zero)
    assert not again.fits({"episode": 0}, rollout.places, ~rollout.zero)
    (tmp_path / "Hopper-paper-0.npz").write_bytes(b"torn")
    with pytest.raises(InputError, match="make them again"):
        RowCauses.load(tmp_path, "Hopper-paper-0")
