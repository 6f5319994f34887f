"""Published sets in MNIST's form: found in the layouts in which people have them, and never taken for one another."""

import json
import shutil

import numpy as np
import pytest
from idx_files import NAMES, real_data, write_idx, write_set

import micrograd_tiers as mt
from micrograd_tiers.datasets import find_dataset, load_dataset, mnist
from micrograd_tiers.datasets.published import MNIST_FILES, SETS, plain
from micrograd_tiers.errors import DataError

TORCHVISION = {
    "mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST", "qmnist": "QMNIST",
    **{name: "EMNIST" for name in SETS if name.startswith("emnist")},
}  # fmt: skip
SIZES = {"emnist-balanced": 47, "emnist-byclass": 62, "emnist-bymerge": 47, "emnist-letters": 26}


@pytest.fixture(autouse=True)
def hidden(tmp_path_factory, monkeypatch):
    """Hide the data of this machine from every test."""
    monkeypatch.delenv("MICROGRAD_TIERS_DATA", raising=False)
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(mnist, "cache_folder", lambda name: folder / name)


def write(folder, name, *, suffix="", n=70, seed=0):
    """Write a small set with every label, in the files and the form in which it is published; return what it holds."""
    rng = np.random.default_rng(seed)
    published, held = SETS[name], {}
    for split, (images_name, labels_name) in zip(("train", "test"), published.files, strict=True):
        images = rng.integers(256, size=(n, 28, 28), dtype=np.uint8)
        labels = rng.permutation(np.arange(n) % len(published.class_names))
        stored = labels + published.first_label
        if published.label_columns:
            columns = np.column_stack([stored, *rng.integers(1000, size=(published.label_columns - 1, n))])
            write_idx(folder / (labels_name + suffix), columns.astype("i4"))
        else:
            write_idx(folder / (labels_name + suffix), stored.astype("u1"))
        write_idx(folder / (images_name + suffix), images.transpose(0, 2, 1) if published.transposed else images)
        held[split] = images, labels
    return held


def assert_holds(data, held):
    for split, x, y in (("train", data.train_x, data.train_y), ("test", data.test_x, data.test_y)):
        images, labels = held[split]
        np.testing.assert_array_equal(x, images.reshape(len(images), -1) / 255)
        np.testing.assert_array_equal(y, labels)
        assert (x.dtype, y.dtype) == (np.float64, np.int64)


@pytest.mark.parametrize("name", SETS)
def test_a_set_has_the_classes_that_it_is_published_with(name):
    assert len(SETS[name].class_names) == SIZES.get(name, 10)
    assert len({*SETS[name].class_names}) == len(SETS[name].class_names)
    assert name in mt.datasets.DATASETS


def test_the_merged_letters_of_emnist_are_those_of_its_mapping_file():
    codes = [*range(48, 58), *range(65, 91), 97, 98, 100, 101, 102, 103, 104, 110, 113, 114, 116]
    assert SETS["emnist-balanced"].class_names == tuple(map(chr, codes))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_each_set_is_found_in_the_layout_of_torchvision_by_its_own_name(tmp_path, name, suffix):
    """Several sets lie in one folder, as torchvision makes it; it, the set's folder, and its "raw" can be named."""
    held = {other: write(tmp_path / folder / "raw", other, suffix=suffix, seed=seed) for seed, (other, folder) in
            enumerate(TORCHVISION.items())}  # fmt: skip
    raw = tmp_path / TORCHVISION[name] / "raw"
    for root in (tmp_path, raw.parent, raw):
        assert find_dataset(name, root) == raw
        assert_holds(load_dataset(name, data_dir=root), held[name])


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist"])
@pytest.mark.parametrize("folder", ["MNIST", "FashionMNIST", "KMNIST", "fashion_mnist", "fashion", "Kuzushiji-MNIST"])
@pytest.mark.parametrize("inner", ["raw", "data", "."])
def test_a_folder_with_the_name_of_one_set_is_none_of_another(tmp_path, name, folder, inner):
    write(tmp_path / folder / inner, "mnist")
    own = plain(folder) in SETS[name].folders
    assert (find_dataset(name, tmp_path / folder / inner) is not None) == own
    link = tmp_path / "link"
    link.symlink_to(tmp_path / folder / inner)
    assert (find_dataset(name, link) is not None) == own


def test_a_folder_in_a_path_with_the_name_of_another_set_is_searched(tmp_path):
    root = tmp_path / "fashion-project" / "notes" / "mnist"
    write(root, "mnist")
    assert find_dataset("mnist", root) == root
    assert find_dataset("mnist", root.parent) == root


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_labels_of_a_real_set_betray_it_in_any_folder(tmp_path, name):
    other = {"mnist": "fashion-mnist", "fashion-mnist": "mnist"}[name]
    for file in (real_data(name) / name).iterdir():
        shutil.copy(file, tmp_path)
    assert len(load_dataset(name, data_dir=tmp_path, n_train=5, n_test=5).train_x) == 5
    for wrong in (other, "kmnist"):
        with pytest.raises(DataError, match=rf"the labels of {name}, expected those of {wrong}; choose --data"):
            load_dataset(wrong, data_dir=tmp_path)


@pytest.mark.parametrize(
    ("name", "label", "words"),
    [
        ("emnist-letters", 0, "label 3 is 0, expected 1 to 26"),
        ("emnist-letters", 27, "label 3 is 27, expected 1 to 26"),
        ("emnist-balanced", 47, "label 3 is 47, expected 0 to 46"),
        ("qmnist", 10, "label 3 is 10, expected 0 to 9"),
        ("qmnist", -1, "label 3 is -1, expected 0 to 9"),
        ("kmnist", 10, "label 3 is 10, expected 0 to 9"),
    ],
)
def test_a_label_out_of_the_range_of_its_set_is_refused(tmp_path, name, label, words):
    write(tmp_path, name)
    path = tmp_path / SETS[name].files[0][1]
    labels = np.full((70, 8) if name == "qmnist" else 70, 1, "i4" if name == "qmnist" else "u1")
    labels[3] = label
    write_idx(path, labels)
    with pytest.raises(DataError, match=f"{words} for {name}; get the file again, or choose") as error:
        load_dataset(name, data_dir=tmp_path)
    assert str(path) in str(error.value)


def test_the_letters_of_emnist_are_not_digits(tmp_path):
    """Renamed to MNIST's file names, as some pages advise."""
    write(tmp_path, "emnist-letters")
    for old, new in zip(SETS["emnist-letters"].files, MNIST_FILES, strict=True):
        for a, b in zip(old, new, strict=True):
            (tmp_path / a).rename(tmp_path / b)
    with pytest.raises(DataError, match=r"label \d+ is \d+, expected 0 to 9 for mnist; .*--data"):
        load_dataset("mnist", data_dir=tmp_path)


def test_labels_of_qmnist_in_another_form_are_refused(tmp_path):
    write(tmp_path, "qmnist")
    write_idx(tmp_path / SETS["qmnist"].files[0][1], np.zeros(70, "u1"))
    with pytest.raises(DataError, match="00 00 08 01, expected 00 00 0c 02"):
        load_dataset("qmnist", data_dir=tmp_path)


@pytest.mark.parametrize("name", ["kmnist", "emnist-letters"])
def test_a_set_that_cannot_be_downloaded_is_not_offered_for_download(tmp_path, name):
    with pytest.raises(DataError) as error:
        load_dataset(name, data_dir=tmp_path, download=True)
    assert SETS[name].files[0][0] in str(error.value)
    assert str(tmp_path / name) in str(error.value)
    assert "data download" not in str(error.value)


def test_the_command_line_lists_shows_and_trains_on_each_by_its_name(tmp_path, monkeypatch, capsys):
    from micrograd_tiers.cli import main

    monkeypatch.chdir(tmp_path)
    write(tmp_path / "EMNIST" / "raw", "emnist-letters")
    write_set(tmp_path / "FashionMNIST" / "raw")
    assert main(["data", "list", "--data-dir", ".", "--json", "list.json"]) == 0
    places = json.loads((tmp_path / "list.json").read_text())
    assert places["emnist-letters"] == "EMNIST/raw"
    assert places["fashion-mnist"] == "FashionMNIST/raw"
    assert {places[name] for name in SETS if name not in ("emnist-letters", "fashion-mnist")} == {None}
    assert main(["data", "show", "emnist-letters", "--data-dir", ".", "--n", "30"]) == 0
    run = ["train", "--data", "emnist-letters", "--data-dir", ".", "--hidden", "5", "--epochs", "1", "--json", "r.json"]
    assert main(run) == 0
    assert json.loads((tmp_path / "r.json").read_text())["class_names"][:3] == ["a", "b", "c"]
    assert main(["predict", "net.npz", "--data-dir", "."]) == 0
    assert NAMES["train"] == MNIST_FILES[0]
    capsys.readouterr()
