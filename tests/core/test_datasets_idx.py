"""The IDX reader: valid files survive the round trip, and bad files of any kind raise one clear line."""

import gzip
import io
import os
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from idx_files import CODES, header, idx_bytes, write_idx

from micrograd_tiers.datasets import read_idx
from micrograd_tiers.errors import DataError

# All examples of a test share one folder; each overwrites the file that it reads.
shares_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
# Labels 0 to 6, gzipped: small enough for hypothesis to reach every byte.
VALID = gzip.compress(idx_bytes(np.arange(7, dtype=np.uint8)), mtime=0)
MIB = 2**20


def peak_memory(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def assert_refused(path, words, **options):
    """Assert that reading raises a DataError of one line that names the file, has these words and says what to do."""
    with pytest.raises(DataError) as error:
        read_idx(path, **options)
    message = str(error.value)
    assert str(path) in message
    assert words in message
    assert ";" in message
    assert "\n" not in message


@shares_folder
@given(
    array=st.sampled_from(sorted(CODES)).flatmap(
        lambda kind: hnp.arrays(kind, hnp.array_shapes(max_dims=5, max_side=6))
    ),
    zipped=st.booleans(),
)
def test_an_array_of_any_type_and_shape_survives_the_round_trip(tmp_path, array, zipped):
    read = read_idx(write_idx(tmp_path / "array", array, zipped=zipped))
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("name", ["labels", "labels.gz", "labels.idx1-ubyte"])
@pytest.mark.parametrize("zipped", [True, False])
def test_gzip_is_recognized_by_content_not_by_name(tmp_path, name, zipped):
    path = write_idx(tmp_path / name, np.arange(7, dtype=np.uint8), zipped=zipped)
    assert read_idx(str(path)).tolist() == list(range(7))


def test_the_array_is_writable(tmp_path):
    array = read_idx(write_idx(tmp_path / "labels", np.arange(7, dtype=np.uint8)))
    array[0] = 9
    assert array[0] == 9


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"\0\0\x08", "starts with 00 00 08"),
        (b"\x89PNG\r\n\x1a\n", "starts with 89 50 4e 47"),
        (header(2, code=0x0A) + b"ab", "element type 0x0a"),
        (header() + b"a", "0 dimensions"),
        (header(*[1] * 33) + b"a", "33 dimensions"),
        (header(2, 3)[:-1], "ends inside its header of 12 bytes"),
        (header(0), "empty set"),
        (header(0, 28, 28), "empty set"),
        (header(3, 0, 28), "empty set"),
        (header(5) + b"abcd", "claims 5 bytes of data, the file holds only 4"),
        (header(5) + b"abcdef", "claims 5 bytes of data, the file holds more"),
        (header(5, code=0x0E) + b"abcdef", "claims 40 bytes of data, the file holds only 6"),
        (gzip.compress(header(5) + b"abcd", mtime=0), "holds only 4"),
        (gzip.compress(header(5) + b"abcdef", mtime=0), "holds more"),
        (VALID[:-1], "truncated gzip"),
        (VALID[:5], "truncated gzip"),
        (b"\x1f\x8b", "truncated gzip"),
        (b"\x1f\x8b\x07" + VALID[3:], "corrupt or truncated gzip"),
        (VALID[:10] + b"\xff" + VALID[11:], "invalid block type"),
        (VALID[:-8] + b"\0\0\0\0" + VALID[-4:], "corrupt or truncated gzip"),
        (VALID + b"rubbish", "corrupt or truncated gzip"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[:16].hex(),
)
def test_a_bad_file_is_refused_in_one_line(tmp_path, content, words):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert_refused(path, words)


@pytest.mark.parametrize(
    ("array", "item_shape", "words"),
    [
        (np.zeros(4, np.uint8), (28, 28), "magic number is 00 00 08 01, expected 00 00 08 03"),
        (np.zeros((2, 28, 28), np.uint8), (), "magic number is 00 00 08 03, expected 00 00 08 01"),
        (np.zeros((2, 28, 28), np.float32), (28, 28), "magic number is 00 00 0d 03, expected 00 00 08 03"),
        (np.zeros((2, 28, 27), np.uint8), (28, 28), "shape (28, 27), expected (28, 28)"),
    ],
)
def test_items_of_an_unexpected_type_or_shape_are_refused(tmp_path, array, item_shape, words):
    assert_refused(write_idx(tmp_path / "file", array), words, item_shape=item_shape)


def test_a_folder_a_missing_file_and_a_device_are_refused(tmp_path):
    assert_refused(tmp_path, "is a folder")
    assert_refused(tmp_path / "nowhere", "No such file")
    assert_refused(write_idx(tmp_path / "file", np.ones(1, np.uint8)) / "below", "Not a directory")
    assert_refused(os.devnull, "not a regular file")


@pytest.mark.parametrize("after_bytes", [0, 3])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, monkeypatch, after_bytes):
    """Permissions do not stop a superuser, so the failure is simulated: on opening, or while reading."""
    path = write_idx(tmp_path / "file", np.ones(1, np.uint8))

    class Failing(io.BytesIO):
        def read(self, size=-1):
            raise PermissionError(13, "Permission denied")

    def fail(self, mode):
        return Failing() if after_bytes else Failing().read()

    monkeypatch.setattr(Path, "open", fail)
    assert_refused(path, "cannot be read (Permission denied)")


@shares_folder
@given(length=st.integers(0, len(VALID) - 1))
def test_a_gzip_truncated_anywhere_is_refused(tmp_path, length):
    path = tmp_path / "file"
    path.write_bytes(VALID[:length])
    with pytest.raises(DataError):
        read_idx(path)


@shares_folder
@given(length=st.integers(0, 20), zipped=st.booleans())
def test_an_array_truncated_anywhere_is_refused_gzipped_or_not(tmp_path, length, zipped):
    content = idx_bytes(np.arange(13, dtype=np.uint8))[:length]
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(DataError):
        read_idx(path)


@shares_folder
@given(
    valid=st.sampled_from([VALID, idx_bytes(np.arange(12, dtype=">i2").reshape(2, 3, 2).astype("i2"))]),
    where=st.integers(0, 200),
    byte=st.integers(0, 255),
)
def test_one_wrong_byte_gives_an_array_or_data_error_and_nothing_else(tmp_path, valid, where, byte):
    content = bytearray(valid)
    content[where % len(content)] = byte
    path = tmp_path / "file"
    path.write_bytes(content)
    with suppress(DataError):
        assert isinstance(read_idx(path), np.ndarray)


@shares_folder
@given(content=st.binary(max_size=200), start=st.sampled_from([b"", b"\0\0\x08\x01", b"\x1f\x8b", b"\x1f\x8b\x08\0"]))
def test_random_bytes_give_an_array_or_data_error_and_nothing_else(tmp_path, content, start):
    path = tmp_path / "file"
    path.write_bytes(start + content)
    with suppress(DataError):
        assert isinstance(read_idx(path), np.ndarray)


@pytest.mark.parametrize(
    "shape", [(2**32 - 1,), (2**30,), (2**30 + 1,), (2**32 - 1,) * 3, (2**32 - 1,) * 32, (1, 28, 2**20)], ids=str
)
@pytest.mark.parametrize("zipped", [True, False])
def test_a_small_file_costs_little_memory_whatever_its_header_claims(tmp_path, shape, zipped):
    content = header(*shape).ljust(200, b"\0")
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if zipped else content)
    assert peak_memory(lambda: assert_refused(path, f"claims {np.prod(shape, dtype=object)} bytes")) < 3 * MIB


@pytest.mark.parametrize("claimed", [1, 10 * 784, 2 * MIB])
def test_a_gzip_bomb_is_not_inflated_beyond_what_its_header_claims(tmp_path, claimed):
    path = tmp_path / "bomb"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(header(claimed))
        stream.write(bytes(64 * MIB))
    assert peak_memory(lambda: assert_refused(path, "the file holds more")) < 2 * claimed + 3 * MIB


def test_a_file_larger_than_the_limit_is_refused_before_it_is_read(tmp_path):
    path = write_idx(tmp_path / "file", np.zeros(1001, np.uint8))
    assert_refused(path, "claims 1001 bytes of data, expected at most 1000", max_bytes=1000)
    assert len(read_idx(path, max_bytes=1001)) == 1001
