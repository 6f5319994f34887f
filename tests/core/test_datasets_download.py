"""Downloads from a server on this machine: mirrors, checksums, the cache, and every way to fail."""

import gzip
import hashlib
import importlib.util
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from idx_files import idx_bytes

from micrograd_tiers.datasets import load_dataset, load_mnist
from micrograd_tiers.datasets.download import SOURCES, Source, cache_folder, download
from micrograd_tiers.errors import DataError

pooch = pytest.importorskip("pooch")

LABELS, IMAGES = np.array([5, 0, 4], np.uint8), np.full((3, 28, 28), 51, np.uint8)
FILES = {
    f"{stem}.gz": gzip.compress(idx_bytes(array), mtime=0)
    for stem, array in {
        "train-images-idx3-ubyte": IMAGES,
        "train-labels-idx1-ubyte": LABELS,
        "t10k-images-idx3-ubyte": IMAGES[:2],
        "t10k-labels-idx1-ubyte": LABELS[:2],
    }.items()
}
NAMES = b"emma\nolivia\nava\n"
FILES_SERVED = {**FILES, "names.txt": NAMES}
SHA256 = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


class Handler(BaseHTTPRequestHandler):
    """Serves whole files under /good, damaged ones under /corrupt, half of them under /cut, and 404 elsewhere."""

    def do_GET(self):
        self.server.asked_for.append(self.path)
        _, behavior, name = self.path.split("/")
        if behavior not in ("good", "corrupt", "cut") or name not in FILES_SERVED:
            self.send_error(404)
            return
        content = FILES_SERVED[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if behavior == "corrupt":
            content = content[:-1] + bytes([content[-1] ^ 1])
        self.wfile.write(content[: len(content) // 2] if behavior == "cut" else content)

    def log_message(self, *args):
        """Print nothing."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked_for = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setitem(SOURCES, "mnist", Source((f"{server.url}/good/",), SHA256))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def without(monkeypatch, module):
    """Pretend that a module is not installed."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "micrograd_tiers.datasets.download.find_spec", lambda name: None if name == module else find_spec(name)
    )


def test_all_files_arrive_whole_and_can_be_loaded(server, tmp_path):
    folder = download("mnist", tmp_path)
    assert folder == tmp_path / "mnist"
    assert contents(folder) == FILES
    X, y = load_mnist(tmp_path)
    assert (X.shape, y.tolist()) == ((3, 784), [5, 0, 4])
    np.testing.assert_array_equal(X, 0.2)


def test_intact_files_are_not_fetched_again(server, tmp_path):
    download("mnist", tmp_path)
    server.asked_for.clear()
    download("mnist", str(tmp_path))
    assert server.asked_for == []


def test_only_damaged_and_missing_files_are_fetched_again(server, tmp_path):
    folder = download("mnist", tmp_path)
    server.asked_for.clear()
    spoiled, missing = list(FILES)[:2]
    (folder / spoiled).write_bytes(b"spoiled")
    (folder / missing).unlink()
    download("mnist", tmp_path)
    assert server.asked_for == [f"/good/{spoiled}", f"/good/{missing}"]
    assert contents(folder) == FILES


@pytest.mark.parametrize("bad", ["absent", "corrupt", "cut"])
def test_the_next_mirror_is_tried_when_one_fails(server, tmp_path, bad):
    mirrors = [f"{server.url}/{bad}", f"{server.url}/good"]
    assert contents(download("mnist", tmp_path, mirrors=mirrors)) == FILES
    assert server.asked_for[:2] == [f"/{kind}/{next(iter(FILES))}" for kind in (bad, "good")]


def test_the_next_mirror_is_tried_when_one_is_down(server, tmp_path):
    mirrors = ["http://127.0.0.1:9/", "not an address", f"{server.url}/good/"]
    assert contents(download("mnist", tmp_path, mirrors=mirrors)) == FILES


@pytest.mark.parametrize(("bad", "reason"), [("absent", "404"), ("corrupt", "hash"), ("cut", "")])
def test_nothing_lands_in_the_cache_when_all_mirrors_fail(server, tmp_path, bad, reason):
    with pytest.raises(DataError) as error:
        download("mnist", tmp_path, mirrors=[f"{server.url}/{bad}/", "http://127.0.0.1:9/"])
    assert contents(tmp_path / "mnist") == {}
    message = str(error.value)
    for words in ("train-images-idx3-ubyte.gz", f"{server.url}/{bad}/", reason, "127.0.0.1:9", "--data-dir"):
        assert words in message
    assert "\n" not in message
    assert len(server.asked_for) == 1  # the download stops at the first file that fails


def test_an_interrupted_download_leaves_nothing_behind(server, tmp_path, monkeypatch):
    def interrupted(self, url, output_file, pooch, check_only=False):
        with open(output_file, "wb") as file:
            file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pooch.HTTPDownloader, "__call__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            download("mnist", tmp_path)
    assert contents(tmp_path / "mnist") == {}
    assert contents(download("mnist", tmp_path)) == FILES


def test_a_folder_that_cannot_be_created_is_a_data_error(server, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DataError, match="could not be downloaded"):
        download("mnist", tmp_path / "file")


@pytest.mark.parametrize("progress", [True, False])
@pytest.mark.parametrize("tqdm", [True, False])
def test_only_a_progress_bar_is_shown_if_requested_and_tqdm_is_installed(
    server, tmp_path, monkeypatch, capfd, caplog, progress, tqdm
):
    if tqdm:
        pytest.importorskip("tqdm")
    else:
        without(monkeypatch, "tqdm")
    logger = pooch.get_logger()  # created outside the logging hierarchy, so caplog needs a handler of its own
    logger.setLevel("INFO")  # must be restored after the download
    logger.addHandler(caplog.handler)
    assert contents(download("mnist", tmp_path, progress=progress)) == FILES
    out, err = capfd.readouterr()
    assert out == ""
    assert caplog.messages == []
    assert ("%" in err) == (progress and tqdm)
    assert logger.level == logging.INFO
    logger.removeHandler(caplog.handler)


def test_load_mnist_downloads_to_the_users_cache_and_finds_it_there(server, tmp_path, monkeypatch):
    monkeypatch.delenv("MICROGRAD_TIERS_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    assert cache_folder("mnist") == tmp_path / "micrograd-tiers" / "mnist"
    with pytest.raises(DataError, match="did not find"):
        load_mnist()
    X, y = load_mnist(download=True, split="test")
    assert (X.shape, y.tolist()) == ((2, 784), [5, 0])
    server.asked_for.clear()
    load_mnist()
    assert server.asked_for == []


def test_the_names_of_makemore_are_downloaded_to_the_users_cache_and_found_there(server, tmp_path, monkeypatch):
    monkeypatch.delenv("MICROGRAD_TIERS_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    names = Source((f"{server.url}/corrupt/", f"{server.url}/good/"), {"names.txt": hashlib.sha256(NAMES).hexdigest()})
    monkeypatch.setitem(SOURCES, "names", names)
    with pytest.raises(DataError, match="micrograd-tiers data download names"):
        load_dataset("makemore-names")
    data = load_dataset("makemore-names", download=True)
    assert sorted(data.train_documents + data.test_documents) == ["ava", "emma", "olivia"]
    assert contents(tmp_path / "micrograd-tiers" / "names") == {"names.txt": NAMES}
    assert server.asked_for == ["/corrupt/names.txt", "/good/names.txt"]
    load_dataset("makemore-names", download=True)
    assert len(server.asked_for) == 2


def test_without_pooch_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    without(monkeypatch, "pooch")
    monkeypatch.delenv("MICROGRAD_TIERS_DATA", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'micrograd-tiers\[data\]'"):
        download("mnist", tmp_path)
    assert cache_folder("mnist") is None
    with pytest.raises(DataError, match="--data-dir"):
        load_mnist()


def test_an_unknown_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected one of 'mnist', 'fashion-mnist'"):
        download("emnist", tmp_path)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "names"])
def test_the_official_sources_are_complete(name):
    source = SOURCES[name]
    assert set(source.sha256) == (set(FILES) if name != "names" else {"names.txt"})
    assert all(len(digest) == 64 and set(digest) <= set("0123456789abcdef") for digest in source.sha256.values())
    assert len(set(source.sha256.values())) == len(source.sha256)
    assert len(source.mirrors) == 2
    assert all(mirror.startswith("http") and mirror.endswith("/") for mirror in source.mirrors)
