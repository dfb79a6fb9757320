"""Embedding and picture records: numbers against those by hand, and files that hold nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from dynsparse.analysis.embedding_neighbours import Neighbours
from dynsparse.analysis.embedding_record import EmbeddingRecord, holds_embedding
from dynsparse.analysis.embedding_strip import NO_FRAMES, Strip
from dynsparse.analysis.files import hash_arrays
from dynsparse.analysis.picture_record import PictureRecord, holds_picture
from dynsparse.errors import ArrayError, InputError, OutputError
from dynsparse.provenance import content_hash

FRAMES = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)


@pytest.fixture
def record():
    """Five of seven rows, three of them fitted; four are judged."""
    return EmbeddingRecord(
        environment="Toy",
        policy="random",
        data_rows=7,
        finite_rows=6,
        elements=8,
        atol=1e-15,
        dt=0.02,
        rows=np.array([0, 2, 3, 4, 6]),
        points=np.arange(10, dtype=np.float32).reshape(5, 2),
        zeros=np.array([0, 4, 4, 8, 2]),
        fitted=np.array([True, False, True, True, False]),
        episode=np.array([0, 0, 1, 1, 2]),
        t=np.array([0, 2, 0, 1, 0]),
        turning=("qpos hinge",),
        perplexity=1.0,
        kl_divergence=0.25,
        neighbours=Neighbours(
            judged=np.array([0, 1, 2, 3]),
            kept=np.array([1.0, 0.25, 0.5, 0.0]),
            alike_plane=np.array([0.5, 1.0, 0.0, 0.25]),
            alike_space=np.array([1.0, 0.5, 1.0, 1.0]),
            mean_plane=np.array([0.5, 0.5, 0.5, 0.5]),
            mean_space=np.array([0.0, 0.5, 0.5, 1.0]),
            shuffled_alike=np.linspace(0.1, 0.3, 41),
            shuffled_shared=np.linspace(-0.2, 0.2, 41),
            count=2,
            elsewhere=True,
        ),
        strip=Strip(np.array([2, 4]), FRAMES, every=2, switches=1, pattern_switches=1, drawn_by="egl"),
        provenance={"seed": 0},
    )


@pytest.fixture
def picture():
    return PictureRecord("Toy", "random", 6, 2, 3, 0.02, FRAMES[0], drawn_by="egl", provenance={"seed": 0})


def altered(folder, stem, change):
    """Write a JSON file again after a change, sealed as if it were sound."""
    path = folder / f"{stem}.json"
    found = json.loads(path.read_text())
    change(found)
    del found["content_sha256"]
    found["content_sha256"] = content_hash(found)
    path.write_text(json.dumps(found))


def test_numbers_are_those_by_hand(record):
    assert record.sparsity.tolist() == [0.0, 0.5, 0.5, 1.0, 0.25]
    assert record.strip_places.tolist() == [1, 3]
    fitted = record.quality("fitted")
    # Points 0, 2 and 3, of sparsity 0, 0.5 and 1, all with a mean of 0.5: as good as the mean of all.
    assert fitted == {
        "judged": 3, "kept": 0.5, "alike_plane": 0.25, "alike_space": 1.0, "shared_plane": 0.0, "shared_space": 1.0,
    }  # fmt: skip
    placed = record.quality("placed")
    assert (placed["judged"], placed["kept"], placed["alike_plane"]) == (1, 0.25, 1.0)
    assert placed["shared_plane"] is None  # a single point does not vary
    assert record.to_dict()["shuffled"]["alike"] == pytest.approx([0.105, 0.2, 0.295])


def test_files_hold_the_contract(record, picture, tmp_path):
    assert not holds_embedding(tmp_path) and not holds_picture(tmp_path)
    record.save(tmp_path)
    picture.save(tmp_path)
    assert holds_embedding(tmp_path) and holds_picture(tmp_path)
    found = json.loads((tmp_path / "embedding.json").read_text())
    assert (found["schema"], found["embedded_rows"], found["fitted_rows"], found["turning"]) == (
        1,
        5,
        3,
        ["qpos hinge"],
    )
    assert found["strip"] == {"every": 2, "switches": 1, "pattern_switches": 1, "drawn_by": "egl", "missing": ""}
    with np.load(tmp_path / "embedding.npz", allow_pickle=False) as file:
        kinds = {name: (file[name].dtype.str, file[name].shape) for name in ("rows", "points", "sparsity", "fitted")}
        assert kinds == {
            "rows": ("<i8", (5,)), "points": ("<f4", (5, 2)), "sparsity": ("<f8", (5,)), "fitted": ("|b1", (5,)),
        }  # fmt: skip
        np.testing.assert_array_equal(file["frames"], FRAMES)


def test_what_is_read_is_what_was_written(record, picture, tmp_path):
    bare = replace(record, strip=Strip(np.zeros(0, dtype=np.int64), NO_FRAMES, missing="no episode is long enough"))
    undrawn = replace(record, strip=replace(record.strip, frames=NO_FRAMES, drawn_by="", missing="no OpenGL"))
    for one in (record, bare, undrawn):
        one.save(tmp_path)
        loaded = EmbeddingRecord.load(tmp_path)
        assert loaded.to_dict() == one.to_dict()
        assert hash_arrays(loaded.to_arrays()) == hash_arrays(one.to_arrays())
    blank = replace(picture, frame=np.zeros((0, 0, 3), dtype=np.uint8), drawn_by="", missing="no OpenGL")
    for one in (picture, blank):
        one.save(tmp_path)
        loaded = PictureRecord.load(tmp_path)
        assert loaded.to_dict() == one.to_dict()
        np.testing.assert_array_equal(loaded.frame, one.frame)


@pytest.mark.parametrize("name", ["embedding.json", "embedding.npz", "picture.json", "picture.npz"])
def test_no_damaged_byte_gives_another_record(record, picture, tmp_path, name):
    one = record if name.startswith("embedding") else picture
    one.save(tmp_path)
    path = tmp_path / name
    sound = path.read_bytes()
    refused = 0
    places = range(0, len(sound), 23)
    for place in places:
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0x11]) + sound[place + 1 :])
        try:
            found = type(one).load(tmp_path)
        except InputError:
            refused += 1
        else:  # white space of the JSON file, or a date or an attribute in the archive
            assert found.to_dict() == one.to_dict()
    assert refused > len(places) / 2
    path.unlink()
    with pytest.raises(InputError, match=r"expected \w+\.json and \w+\.npz"):
        type(one).load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found.update(schema=2), r"expected embedding\.json of schema 1 .* got schema 2"),
        (lambda found: found.update(fitted_rows=4), "fitted_rows is not what the arrays say"),
        (lambda found: found.update(elements=7), "expected 0 to 7 zeros a row, got up to 8"),
        (lambda found: found.update(elements=16), "expected the sparsity that zeros and elements give"),
        (lambda found: found["quality"]["fitted"].update(kept=0.9), "quality is not what the arrays say"),
        (lambda found: found["shuffled"].update(alike=[0.0, 0.0, 0.0]), "shuffled is not what the arrays say"),
        (lambda found: found.update(finite_rows=4), "expected rows among 4 finite ones of 7"),
        (lambda found: found["strip"].update(missing="nothing draws"), "or the reason why there is none"),
        (lambda found: found.update(colour="red"), "colour is not what the arrays say"),
        (lambda found: found.pop("dt"), "can not read"),
    ],
)
def test_sealed_contradictions_are_refused(record, tmp_path, change, message):
    record.save(tmp_path)
    altered(tmp_path, "embedding", change)
    with pytest.raises(InputError, match=message):
        EmbeddingRecord.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": np.zeros((5, 2))}, "expected points of 5 rows and float32"),
        ({"zeros": np.zeros(4, dtype=np.int64)}, "expected zeros of 5 rows"),
        ({"rows": np.array([0, 2, 2, 4, 6])}, "in increasing order"),
        ({"points": np.full((5, 2), np.nan, dtype=np.float32)}, "expected finite points"),
        ({"strip": Strip(np.array([1, 4]), FRAMES)}, "a place in the plane for every row of the strip"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(record, change, message):
    with pytest.raises(ArrayError, match=message):
        replace(record, **change)
    judged = replace(record.neighbours, judged=np.array([0, 1, 2, 5]))
    with pytest.raises(ArrayError, match="neighbours of some of 5 points"):
        replace(record, neighbours=judged)


def test_a_picture_is_a_frame_or_a_reason(picture, tmp_path):
    for change in ({"missing": "no OpenGL"}, {"frame": FRAMES[0][..., 0]}, {"frame": np.zeros((0, 0, 3), np.uint8)}):
        with pytest.raises(ArrayError, match="or the reason why there is none"):
            replace(picture, **change)
    picture.save(tmp_path)
    altered(tmp_path, "picture", lambda found: found.update(missing="no OpenGL"))
    with pytest.raises(InputError, match=r"expected a frame .* or the reason"):
        PictureRecord.load(tmp_path)
    with pytest.raises(OutputError, match=r"expected to write picture\.json"):
        picture.save(tmp_path / "missing")
