"""MNIST and Fashion-MNIST: finding the files, loading them, and the real sets."""

import gzip

import numpy as np
import pytest
from idx_files import NAMES, header, real_data, write_idx, write_set

from micrograd_tiers.datasets import find_dataset, load_dataset, load_fashion_mnist, load_mnist, mnist
from micrograd_tiers.errors import DataError

LOADERS = {"mnist": load_mnist, "fashion-mnist": load_fashion_mnist}
both_sets = pytest.mark.parametrize("name", LOADERS)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """Hide the data of this machine from every test: an empty cache, and no folder in the environment."""
    monkeypatch.delenv("MICROGRAD_TIERS_DATA", raising=False)
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(mnist, "cache_folder", lambda name: folder / name)
    return folder


def assert_is(loaded, arrays):
    """Assert that the loaded samples are these images and labels."""
    (X, y), (images, labels) = loaded, arrays
    np.testing.assert_array_equal(X, images.reshape(len(images), 784) / 255)
    np.testing.assert_array_equal(y, labels)


@both_sets
@pytest.mark.parametrize("split", ["train", "test"])
def test_images_are_scaled_to_one_and_labels_are_integers(tmp_path, name, split):
    arrays = write_set(tmp_path)
    X, y = LOADERS[name](tmp_path, split)
    assert_is((X, y), arrays[split])
    assert (X.dtype, y.dtype) == (np.float64, np.int64)
    assert X.min() == 0.0
    assert X.max() == 1.0


def test_float32_is_supported(tmp_path):
    images, _ = write_set(tmp_path)["train"]
    X, _ = load_mnist(tmp_path, dtype="float32")
    assert X.dtype == np.float32
    np.testing.assert_array_equal(X, images.reshape(-1, 784) / np.float32(255))


@pytest.mark.parametrize("dtype", ["int64", "uint8", bool, "float16", "complex128"])
def test_another_dtype_is_refused(tmp_path, dtype):
    write_set(tmp_path)
    with pytest.raises(ValueError, match="expected 'float64' or 'float32'"):
        load_mnist(tmp_path, dtype=dtype)


@pytest.mark.parametrize("split", ["validation", "Train", "", None])
def test_an_unknown_split_is_refused_before_any_search(split):
    with pytest.raises(ValueError, match="expected one of 'train', 'test'") as error:
        load_mnist("nowhere", split)
    assert not isinstance(error.value, DataError)


@both_sets
@pytest.mark.parametrize("suffix", [".gz", ""])
@pytest.mark.parametrize("dotted", [True, False])
def test_files_are_found_under_each_spelling_of_their_names(tmp_path, name, suffix, dotted):
    arrays = write_set(tmp_path, suffix=suffix)
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_name(path.name.replace("-idx", ".idx") if dotted else path.name))
    assert find_dataset(name, tmp_path) == tmp_path
    assert_is(LOADERS[name](tmp_path), arrays["train"])


def test_a_folder_with_the_name_of_a_file_is_skipped(tmp_path):
    """Some archives unpack to train-images.idx3-ubyte beside a folder train-images-idx3-ubyte."""
    arrays = write_set(tmp_path, suffix="")
    images = tmp_path / NAMES["train"][0]
    images.rename(tmp_path / "train-images.idx3-ubyte")
    images.mkdir()
    assert_is(load_mnist(tmp_path), arrays["train"])


@both_sets
def test_the_places_are_searched_in_order(tmp_path, monkeypatch, cache, name):
    """The order: data_dir/NAME, data_dir; without data_dir the same two of MICROGRAD_TIERS_DATA, then the cache."""
    given, environment = tmp_path / "given", tmp_path / "environment"
    monkeypatch.setenv("MICROGRAD_TIERS_DATA", str(environment))
    assert find_dataset(name) is None
    for seed, folder in enumerate([cache / name, environment, environment / name]):
        arrays = write_set(folder, seed=seed)
        assert find_dataset(name) == folder
        assert_is(LOADERS[name](), arrays["train"])
    for seed, folder in enumerate([given, given / name], start=10):
        assert find_dataset(name, given) in (None, given)
        arrays = write_set(folder, seed=seed)
        assert find_dataset(name, given) == folder
        assert_is(LOADERS[name](given), arrays["train"])


@both_sets
def test_a_given_folder_without_the_files_is_an_error_even_if_they_are_elsewhere(tmp_path, monkeypatch, cache, name):
    write_set(cache / name)
    write_set(tmp_path / "environment")
    monkeypatch.setenv("MICROGRAD_TIERS_DATA", str(tmp_path / "environment"))
    given = tmp_path / "given"
    assert find_dataset(name, given) is None
    for download in (True, False):
        with pytest.raises(DataError) as error:
            LOADERS[name](given, "test", download=download)
        for words in (*NAMES["test"], str(given), str(given / name), "--data-dir", "MICROGRAD_TIERS_DATA"):
            assert words in str(error.value)


@both_sets
def test_the_error_for_missing_files_says_what_to_do(name):
    with pytest.raises(DataError) as error:
        LOADERS[name]()
    for words in ("--data-dir", "MICROGRAD_TIERS_DATA", f"micrograd-tiers data download {name}"):
        assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_the_two_sets_are_not_confused(tmp_path):
    """Their files have the same names, so only the name of the folder distinguishes them."""
    write_set(tmp_path / "mnist")
    assert find_dataset("mnist", tmp_path / "mnist") == tmp_path / "mnist"
    assert find_dataset("fashion-mnist", tmp_path / "mnist") is None
    with pytest.raises(DataError, match="did not find"):
        load_fashion_mnist(tmp_path / "mnist")


def test_one_split_can_be_loaded_if_the_other_is_missing(tmp_path):
    arrays = write_set(tmp_path)
    for name in NAMES["train"]:
        (tmp_path / f"{name}.gz").unlink()
    assert_is(load_mnist(tmp_path, "test"), arrays["test"])
    assert find_dataset("mnist", tmp_path) is None
    with pytest.raises(DataError, match="train-labels"):
        load_mnist(tmp_path)


def test_download_runs_only_if_requested_and_nothing_is_found(tmp_path, monkeypatch, cache):
    calls = []

    def fetch(name):
        calls.append(name)
        write_set(cache / name)
        return cache / name

    monkeypatch.setattr(mnist, "fetch", fetch)
    with pytest.raises(DataError):
        load_mnist()
    assert calls == []
    assert len(load_mnist(download=True)[0]) == 20
    assert len(load_mnist(download=True)[0]) == 20
    assert load_dataset("fashion-mnist", download=True).source == f"folder {cache / 'fashion-mnist'}"
    assert calls == ["mnist", "fashion-mnist"]


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (np.zeros((3, 28, 28), np.uint8), np.zeros(4, np.uint8), "3 images, expected 4"),
        (np.zeros((3, 28, 28), np.uint8), np.array([0, 10, 255], np.uint8), "label 1 is 10, expected 0 to 9"),
        (np.zeros((3, 27, 28), np.uint8), np.zeros(3, np.uint8), "(27, 28), expected (28, 28)"),
        (np.zeros((3, 784), np.uint8), np.zeros(3, np.uint8), "00 00 08 02, expected 00 00 08 03"),
        (np.zeros(3, np.uint8), np.zeros((3, 28, 28), np.uint8), "not swapped"),
        (np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.int32), "00 00 0c 01, expected 00 00 08 01"),
        (np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8), "empty set"),
    ],
)
def test_files_with_unexpected_contents_are_refused_in_one_line(tmp_path, images, labels, words):
    for name, array in zip(NAMES["train"], (images, labels), strict=True):
        write_idx(tmp_path / name, array)
    with pytest.raises(DataError) as error:
        load_mnist(tmp_path)
    assert words in str(error.value)
    assert str(tmp_path / "train-") in str(error.value)
    assert "\n" not in str(error.value)


def test_images_of_another_size_are_refused_before_they_are_inflated(tmp_path):
    write_set(tmp_path)
    path = tmp_path / f"{NAMES['train'][0]}.gz"
    path.write_bytes(gzip.compress(header(20, 1000, 1000)))  # no pixels: reading on would raise another error
    with pytest.raises(DataError, match=r"\(1000, 1000\), expected \(28, 28\)"):
        load_mnist(tmp_path)


def test_an_unknown_set_is_refused():
    with pytest.raises(ValueError, match="expected one of 'mnist', 'fashion-mnist', 'kmnist', "):
        find_dataset("emnist-all")


def test_load_dataset_takes_the_first_samples(tmp_path):
    arrays = write_set(tmp_path)
    data = load_dataset("mnist", data_dir=tmp_path, n_train=7, n_test=10)
    assert_is((data.train_x, data.train_y), [a[:7] for a in arrays["train"]])
    assert_is((data.test_x, data.test_y), arrays["test"])
    assert data.train_x.base is None or len(data.train_x.base) == 7  # the other samples are not kept in memory
    assert data.image_shape == (28, 28)
    assert str(tmp_path) in data.source


@pytest.mark.parametrize("sizes", [{"n_train": 21}, {"n_test": 11}, {"n_train": 0}, {"n_test": -1}, {"n_test": 1.5}])
def test_a_number_of_samples_out_of_range_is_refused(tmp_path, sizes):
    write_set(tmp_path)
    with pytest.raises(ValueError, match=next(iter(sizes))):
        load_dataset("mnist", data_dir=tmp_path, **sizes)


@pytest.mark.parametrize(
    ("name", "first_labels", "mean"), [("mnist", [5, 0, 4, 1, 9], 0.1307), ("fashion-mnist", [9, 0, 0, 3, 0], 0.2860)]
)
def test_the_real_set_has_its_known_counts_labels_and_mean(name, first_labels, mean):
    X, y = LOADERS[name](real_data(name), dtype="float32")
    assert X.shape == (60_000, 784)
    assert y[:5].tolist() == first_labels
    assert X.mean(dtype=np.float64) == pytest.approx(mean, abs=1e-4)
    assert (X.min(), X.max()) == (0.0, 1.0)
    X, y = LOADERS[name](real_data(name), "test", dtype="float32")
    assert X.shape == (10_000, 784)
    assert sorted(set(y.tolist())) == list(range(10))


def test_class_names_match_the_sets():
    assert mnist.CLASS_NAMES["mnist"] == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
    fashion = mnist.CLASS_NAMES["fashion-mnist"]
    # The table of labels at https://github.com/zalandoresearch/fashion-mnist.
    assert fashion == (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
