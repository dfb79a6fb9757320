"""Chunks: zarr's own encoding of a block of rows to the bytes of a file, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dynsparse.dataset.description import DatasetDescription
from dynsparse.dataset.fields import FieldSpec
from dynsparse.errors import DatasetError

__all__ = ["CODEC", "FORMAT", "GROUP", "SCHEMA", "Chunks", "Codec", "chunk_path", "encode_metadata", "metadata_paths"]

GROUP = "zarr.json"
FORMAT = "dynsparse data set"
SCHEMA = 1


@dataclass(frozen=True)
class Codec:
    """How the bytes of a chunk are compressed: Blosc, one thread (with more, blocks come in the order they finish).

    Attributes:
        name: Blosc's compressor.
        level: From 0 (none) to 9.
        shuffle: ``"noshuffle"``, ``"shuffle"`` (bytes) or ``"bitshuffle"``.
        transposed: Whether the rows of one element lie side by side, not the elements of one row: an element that is
            always zero then takes next to nothing.
    """

    name: Literal["zstd", "lz4", "lz4hc", "blosclz", "zlib"] = "lz4"
    level: int = 1
    shuffle: Literal["noshuffle", "shuffle", "bitshuffle"] = "shuffle"
    transposed: bool = True


CODEC = Codec()
"""What data sets are written with; a reader takes whatever their metadata say."""


def metadata_paths(description: DatasetDescription) -> tuple[str, ...]:
    """Return the paths of all metadata files, relative to the data set, the group's first."""
    return (GROUP, *(f"{name}/{GROUP}" for name in description.fields()))


def chunk_path(spec: FieldSpec, block: int) -> str:
    """Return the path of a block's file of a field, relative to the data set.

    Args:
        spec: The field.
        block: Number of the block.
    """
    return "/".join([spec.name, "c", str(block), *("0" for _ in spec.shape)])


def encode_metadata(description: DatasetDescription, codec: Codec = CODEC) -> dict[str, bytes]:
    """Return the metadata files of a data set.

    Args:
        description: What it holds; stored in the group's attributes.
        codec: How its chunks are compressed.

    Returns:
        Path relative to the data set to content, the group's first.
    """
    import zarr
    from zarr.codecs import BloscCodec, TransposeCodec
    from zarr.storage import MemoryStore

    written: dict[str, Any] = {}
    attributes = {"format": FORMAT, "schema": SCHEMA, **description.to_dict()}
    group = zarr.create_group(MemoryStore(written), attributes=attributes)
    for name, spec in description.fields().items():
        compressor = BloscCodec(
            cname=codec.name, clevel=codec.level, shuffle=codec.shuffle, typesize=spec.dtype.itemsize
        )
        axes = len(spec.shape)
        turned = [TransposeCodec(order=(*range(1, axes + 1), 0))] if codec.transposed and axes else []
        group.create_array(
            name,
            shape=(description.rows, *spec.shape),
            chunks=(description.rows_per_block, *(max(length, 1) for length in spec.shape)),
            dtype=spec.dtype,
            fill_value=spec.fill_value,
            filters=turned,
            compressors=[compressor],
            dimension_names=["row", *spec.axes],
            attributes={"meaning": spec.meaning, "unit": spec.unit},
        )
    return {path: written[path].to_bytes() for path in metadata_paths(description)}


class Chunks:
    """The fields of one data set, as its metadata describe them: rows to bytes, and back.

    The arrays live in a store in memory that holds one chunk at a time.
    """

    def __init__(self, description: DatasetDescription, metadata: Mapping[str, bytes]) -> None:
        """Open the fields whose metadata are given.

        Args:
            description: What the data set holds.
            metadata: Path relative to the data set to content; a field without is left out.

        Raises:
            DatasetError: If zarr can not read them, or they do not fit the description.
        """
        import zarr
        from zarr.storage import MemoryStore

        self._specs = description.fields()
        self._store: dict[str, Any] = {path: _buffer(data) for path, data in metadata.items()}
        self._arrays: dict[str, Any] = {}
        for name, spec in self._specs.items():
            path = f"{name}/{GROUP}"
            if path not in metadata:
                continue
            try:
                array = zarr.open_array(MemoryStore(self._store), path=name, mode="r+")
                found = (array.shape, array.chunks, array.dtype)
                # Without, a block of nothing but NaN or False would have no file, as if it had never been committed.
                self._arrays[name] = array.with_config({"write_empty_chunks": True})
            except Exception as error:  # zarr and its codecs raise whatever damaged metadata lead them to
                raise DatasetError(f"expected {path} to describe a Zarr array, can not read it: {error}") from error
            chunk = (description.rows_per_block, *(max(length, 1) for length in spec.shape))
            expected = ((description.rows, *spec.shape), chunk, spec.dtype)
            if found != expected:
                raise DatasetError(
                    f"expected {path} to describe (shape, chunk, type) {_told(expected)}, got {_told(found)}; "
                    "run dynsparse verify"
                )

    def spec(self, name: str) -> FieldSpec:
        """Return what a field holds.

        Args:
            name: The field.
        """
        return self._specs[name]

    def encode(self, name: str, block: int, rows: slice, values: NDArray[Any]) -> bytes:
        """Return the bytes of a block's file of a field.

        Args:
            name: The field; not an empty one.
            block: Number of the block.
            rows: Its place among all rows.
            values: (rows of the block, ...) in the stored type.
        """
        path = chunk_path(self._specs[name], block)
        try:
            self._arrays[name][rows] = values
            data: bytes = self._store[path].to_bytes()
        finally:
            self._store.pop(path, None)
        return data

    def decode(self, name: str, block: int, rows: slice, data: bytes) -> NDArray[Any]:
        """Return a block's rows of a field from the bytes of its file.

        Args:
            name: The field.
            block: Number of the block.
            rows: Its place among all rows.
            data: Content of the file; nothing for an empty field.

        Raises:
            DatasetError: If the bytes can not be decoded; names the file.
        """
        spec = self._specs[name]
        if spec.is_empty:
            return np.empty((rows.stop - rows.start, *spec.shape), spec.dtype)
        path = chunk_path(spec, block)
        self._store[path] = _buffer(data)
        try:
            return np.asarray(self._arrays[name][rows])
        except Exception as error:  # as above, of damaged bytes
            raise DatasetError(f"expected {path} to decode to rows of {name}, got: {error}") from error
        finally:
            self._store.pop(path, None)


def _buffer(data: bytes) -> Any:
    from zarr.buffer import cpu

    return cpu.Buffer.from_bytes(data)


def _told(found: tuple[Any, ...]) -> str:
    shape, chunk, dtype = found
    return f"({shape}, {chunk}, {dtype})"
