"""Bytes a row, and time to write and read, for codecs and lengths of a chunk: what the store's defaults were chosen by.

    dynsparse collect CheetahRun --rows 16000 --out data/cheetah
    dynsparse collect FingerSpin --rows 16000 --out data/finger
    python benchmarks/dataset_codecs.py data/cheetah data/finger --json results/dataset_codecs.json

Real rows of stored data sets are encoded again, in memory and on one core, field by field as the store does it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path

import numpy as np

from dynsparse.dataset import Codec, Dataset, open_dataset
from dynsparse.dataset.chunks import Chunks, encode_metadata
from dynsparse.provenance import collect_provenance, script_command

CODECS = (
    Codec("zstd", 0, "noshuffle", False),
    Codec("lz4", 1, "shuffle", False),
    Codec("zstd", 1, "noshuffle", False),
    Codec("zstd", 1, "shuffle", False),
    Codec("zstd", 1, "bitshuffle", False),
    Codec("zstd", 3, "shuffle", False),
    Codec("lz4", 1, "shuffle", True),
    Codec("lz4", 1, "bitshuffle", True),
    Codec("zstd", 1, "noshuffle", True),
    Codec("zstd", 1, "shuffle", True),
    Codec("zstd", 3, "shuffle", True),
)
LENGTHS = (250, 1000, 4000, 16000)
USUAL = 4000
CHOSEN = Codec()


def measure(dataset: Dataset, codec: Codec, length: int, rounds: int = 3) -> dict[str, object]:
    """Encode and decode all rows in chunks of one length; times are the best of the rounds."""
    rows = dataset.load()
    count = len(rows["t"])
    description = dataclasses.replace(dataset.description, rows=count, episode_steps=length, episodes_per_block=1)
    chunks = Chunks(description, encode_metadata(description, codec))
    fields = {name: spec for name, spec in description.fields().items() if not spec.is_empty}
    places = [(block, description.block_rows(block)) for block in range(description.blocks)]
    writing, reading, files = [], [], {}
    for _ in range(rounds):
        began = time.perf_counter()
        files = {
            (name, block): chunks.encode(name, block, place, rows[name][place])
            for name in fields
            for block, place in places
        }
        writing.append(time.perf_counter() - began)
        began = time.perf_counter()
        for name in fields:
            for block, place in places:
                np.testing.assert_array_equal(
                    chunks.decode(name, block, place, files[name, block]), rows[name][place], strict=True
                )
        reading.append(time.perf_counter() - began)
    raw = sum(rows[name].nbytes for name in fields)
    return {
        "environment": dataset.environment,
        "codec": codec.name if codec.level else "none",
        "level": codec.level,
        "shuffle": codec.shuffle,
        "transposed": codec.transposed,
        "rows_per_chunk": length,
        "chosen": codec == CHOSEN,
        "raw_bytes_per_row": raw / count,
        "bytes_per_row": sum(map(len, files.values())) / count,
        "rows_written_per_s": count / min(writing),
        "rows_read_per_s": count / min(reading),
    }


def main() -> None:
    """Measure every codec at one length of a chunk, and the chosen one at every length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    found = []
    for path in options.datasets:
        dataset = open_dataset(path)
        cases = [(codec, USUAL) for codec in CODECS] + [(CHOSEN, length) for length in LENGTHS if length != USUAL]
        for codec, length in cases:
            found.append(measure(dataset, codec, length))
            print(found[-1], flush=True)
    record = {
        "schema": 1,
        "measured": found,
        "provenance": collect_provenance(script_command(), None).to_dict(),
    }
    options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
