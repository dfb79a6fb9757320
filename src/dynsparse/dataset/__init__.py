"""Data sets: rows with their Jacobians, committed block by block, read back only as they were committed.

NumPy and zarr alone; nothing here imports JAX or MuJoCo.
"""

from __future__ import annotations

from dynsparse.dataset.chunks import CODEC, Codec
from dynsparse.dataset.creation import create_dataset
from dynsparse.dataset.description import DatasetDescription
from dynsparse.dataset.fields import FIELD_NAMES, FieldSpec
from dynsparse.dataset.files import Files
from dynsparse.dataset.reader import Block, Dataset, open_dataset
from dynsparse.dataset.rows import finite_rows
from dynsparse.dataset.verify import VerifyReport, verify_dataset
from dynsparse.dataset.writer import DatasetWriter

__all__ = [
    "CODEC",
    "FIELD_NAMES",
    "Block",
    "Codec",
    "Dataset",
    "DatasetDescription",
    "DatasetWriter",
    "FieldSpec",
    "Files",
    "VerifyReport",
    "create_dataset",
    "finite_rows",
    "open_dataset",
    "verify_dataset",
]
