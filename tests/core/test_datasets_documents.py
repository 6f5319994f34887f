"""Data sets of documents: names drawn by rules, the names of makemore, and text files."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from idx_files import DATA
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers.building import check
from micrograd_tiers.checkpoints import Checkpoint
from micrograd_tiers.datasets import TEXTS, Dataset, Documents, PerfectModel, find_makemore_names, text_files
from micrograd_tiers.datasets.download import SOURCES
from micrograd_tiers.run import load_test_set

LINES = [f"word {n}" for n in range(30)]


@pytest.fixture(autouse=True)
def hidden(tmp_path_factory, monkeypatch):
    """Hide the data of this machine from every test."""
    monkeypatch.delenv("MICROGRAD_TIERS_DATA", raising=False)
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(text_files, "cache_folder", lambda name: folder / name)
    return folder


def written(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def assert_holds_its_documents(data):
    for X, y, documents in (
        (data.train_x, data.train_y, data.train_documents),
        (data.test_x, data.test_y, data.test_documents),
    ):
        expected_x, expected_y = data.tokenizer.encode(documents)
        np.testing.assert_array_equal(X, expected_x)
        np.testing.assert_array_equal(y, expected_y)
    assert len(data.class_names) == data.tokenizer.n_tokens


# Names.


def test_names_have_their_default_sizes_and_a_floor():
    data = mt.load_dataset("names", seed=3)
    assert isinstance(data, Documents)
    assert isinstance(data, Dataset)
    assert (len(data.train_x), len(data.test_x)) == (32_000, 2_000)
    assert (data.name, data.source, data.image_shape) == ("names", "drawn offline, seed 3", None)
    assert data.tokenizer == mt.Tokenizer("abcdefghijklmnopqrstuvwxyz")
    assert data.floor == PerfectModel(data.perfect.grammar).floor == pytest.approx(2.11239, abs=1e-5)
    assert len(repr(data).splitlines()) == 1
    assert f"{data.train_documents[0]}, {data.train_documents[1]}" in data._repr_html_()
    assert "2.1124 nats" in data._repr_html_()


def test_the_seed_determines_the_names_and_the_parts_are_drawn_apart():
    data, again, other = (mt.load_dataset("names", n_train=50, n_test=50, seed=seed) for seed in (0, 0, 1))
    assert_holds_its_documents(data)
    assert (data.train_documents, data.test_documents) == (again.train_documents, again.test_documents)
    assert len({data.train_documents, data.test_documents, other.train_documents, other.test_documents}) == 4
    longer = mt.load_dataset("names", n_train=70, n_test=50)
    assert (longer.train_documents[:50], longer.test_documents) == (data.train_documents, data.test_documents)
    test_only = mt.load_dataset("names", n_test=50, test_only=True)
    assert (test_only.test_documents, test_only.train_documents) == (data.test_documents, ())
    assert len(test_only.train_x) == len(test_only.train_y) == 0


def test_a_net_with_16_positions_is_trained_on_names_and_stays_above_the_floor():
    data = mt.load_dataset("names", n_train=200, n_test=200)
    net = mt.gpt(data.tokenizer.n_tokens)
    mt.fit(net, data.train_x, data.train_y, optimizer="adam", steps=20)
    assert mt.evaluate(net, data.test_x, data.test_y)["loss"] > data.perfect.loss(data.test_documents)


# The names of makemore.


def test_the_names_of_makemore_are_shuffled_and_the_last_tenth_is_the_test_part(tmp_path):
    written(tmp_path / "names" / "names.txt", "\n".join(LINES))
    data = mt.load_dataset("makemore-names", data_dir=tmp_path, seed=5)
    assert (len(data.train_documents), len(data.test_documents)) == (27, 3)
    assert sorted(data.train_documents + data.test_documents) == sorted(LINES)
    assert_holds_its_documents(data)
    assert data.floor is None
    assert data.perfect is None
    assert data.name == "makemore-names"
    assert "names.txt, seed 5" in data.source
    few = mt.load_dataset("makemore-names", data_dir=tmp_path, seed=5, n_train=4, n_test=2)
    assert (few.train_documents, few.test_documents) == (data.train_documents[:4], data.test_documents[1:])
    other = mt.load_dataset("makemore-names", data_dir=tmp_path, seed=6)
    assert other.test_documents != data.test_documents
    empty = mt.load_dataset("makemore-names", data_dir=tmp_path, seed=5, test_only=True)
    assert (empty.train_documents, empty.test_documents) == ((), data.test_documents)


def test_the_names_of_makemore_are_found_in_every_place(tmp_path, hidden, monkeypatch):
    assert find_makemore_names() is None
    cached = written(hidden / "names" / "names.txt", "a\nb")
    assert find_makemore_names() == cached
    inside = written(tmp_path / "names.txt", "a\nb")
    monkeypatch.setenv("MICROGRAD_TIERS_DATA", str(tmp_path))
    assert find_makemore_names() == inside
    named = written(tmp_path / "names" / "names.txt", "a\nb")
    assert find_makemore_names() == find_makemore_names(tmp_path) == named
    with pytest.raises(mt.DataError, match=r"did not find .*none.names.names\.txt or .*data download names"):
        mt.load_dataset("makemore-names", data_dir=tmp_path / "none", download=True)


def test_the_real_names_are_those_of_the_checksum():
    if find_makemore_names(DATA) is None:
        pytest.skip("no real names here: set MICROGRAD_TIERS_DATA to the folder that contains names/names.txt")
    checksum = hashlib.sha256(find_makemore_names(DATA).read_bytes()).hexdigest()
    assert SOURCES["names"].sha256 == {"names.txt": checksum}
    data = mt.load_dataset("makemore-names", data_dir=DATA)
    assert (len(data.train_x), len(data.test_x), data.tokenizer.n_tokens) == (28_830, 3_203, 27)


# Text files.


@examples(30)
@given(
    documents=st.lists(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=8), min_size=2),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig"]),
    blank=st.sampled_from(["", " ", "\t"]),
)
def test_every_line_that_is_not_empty_is_a_document(tmp_path_factory, documents, ending, encoding, blank):
    text = (f"{blank}{ending}" * 2).join(f"{blank}{document}{blank}" for document in documents)
    data = mt.load_text(written(tmp_path_factory.mktemp("text") / "a.txt", text, encoding))
    assert sorted(data.train_documents + data.test_documents) == sorted(documents)
    assert data.tokenizer == mt.Tokenizer.fit(documents)
    assert_holds_its_documents(data)


def test_long_documents_are_cut_to_the_positions_of_a_net(tmp_path):
    path = written(tmp_path / "poems.txt", "\n".join(LINES))
    data = mt.load_text(path, length=4, n_test=7, n_train=12, seed=1)
    assert (data.train_x.shape, data.test_x.shape) == ((12, 4), (7, 4))
    assert {len(document) for document in data.train_documents} <= {6, 7}
    assert (data.name, data.source) == ("poems.txt", f"file {path}, seed 1")


TEXT = "one\ntwo\n"
BAD = {
    "a folder": (lambda path: mt.load_text(path.parent), "this is a folder, expected a text file with one document"),
    "no file": (lambda path: mt.load_text("nowhere.txt"), "nowhere.txt: there is no such file"),
    "no text": (lambda path: mt.load_text(written(path, "zoë\nava", "latin-1")), "a.txt: not a text in UTF-8"),
    "empty": (lambda path: mt.load_text(written(path, "\n \n")), "a.txt: holds 0 documents, expected at least 2"),
    "one line": (lambda path: mt.load_text(written(path, "one")), "holds 1 document, expected at least 2"),
    "a number": (lambda path: mt.load_text(3), "path is 3, expected the name of a file"),
    "all for the test": (lambda path: mt.load_text(written(path, TEXT), n_test=2), "n_test is 2, expected at most 1"),
    "too many": (lambda path: mt.load_text(written(path, TEXT), n_train=2), "n_train is 2, expected at most 1"),
    "no positions": (lambda path: mt.load_text(written(path, TEXT), length=0), "length is 0, expected"),
    "a seed": (lambda path: mt.load_text(written(path, TEXT), seed=-1), "seed is -1, expected"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_used_is_named(tmp_path, name):
    call, message = BAD[name]
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        call(tmp_path / "a.txt")
    assert message in str(caught.value)


# Recipes, whose nets take samples with classes.


@pytest.mark.parametrize("name", TEXTS)
def test_a_recipe_of_documents_is_refused_with_a_way_out(name):
    recipe = mt.Recipe(data=name)
    for call in (
        lambda: mt.Run.start(recipe),
        lambda: check(recipe),
        lambda: load_test_set("net.npz", Checkpoint(mt.mlp([2, 2])), name, None, n_test=None, seed=None),
    ):
        with pytest.raises(ValueError, match=rf"the data set {name} holds documents, .*choose --net gpt"):
            call()
