"""The structure of the package: imports run one way, heavy imports are lazy, and class names are unique."""

import ast
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import micrograd_tiers as mt

PACKAGE = Path(mt.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# A part may import only the parts before it in this list. A folder counts as one part, except `lab`.
ORDER = [
    *(
        "arguments",
        "errors",
        "files",
        "file_kinds",
        "formats",
        "colors",
        "html",
        "archives",
        "machine",
        "matplotlib_import",
    ),
    *("processes", "threads", "pools", "_engine", "_arithmetic", "engine", "derivatives", "nn"),
    *("tiers", "initializers", "layers", "losses", "backprop", "optimizers", "schedules", "words", "recipe"),
    *("rng", "conversion", "tokenizer", "datasets", "inputs", "targets", "summary", "weights"),
    *("network", "metrics", "models"),
    *(
        "batches",
        "history",
        "training_state",
        "trainer",
        "progress",
        "training",
        "building",
        "checkpoints",
        "run",
        "text",
    ),
    *("figures", "plots", "views"),
    *("lab.race", "lab.gradcheck", "lab.museum", "lab.judge", "lab.comparison", "lab.studies", "cli"),
]


def module_of(path):
    """Return the dotted name of a file within the package, "" for the package itself."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".")


MODULES = {module_of(path): path for path in FILES}


def part_of(module):
    parts = [part for part in ORDER if f"{module}.".startswith(f"{part}.")]
    return parts[0] if parts else module


def modules_in(source, folder):
    """Yield the names of the package's modules that a source text in this folder imports, at any depth."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ["micrograd_tiers", *folder][: len(folder) + 2 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, module = name.partition(".")
            if package == "micrograd_tiers":
                yield module if module in MODULES else module.rpartition(".")[0]


def imported_modules(path):
    return [*modules_in(path.read_text(), path.relative_to(PACKAGE).parts[:-1])]


def external_imports(path, *, top_level_only=False):
    tree = ast.parse(path.read_text())
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize(
    ("text", "folder", "modules"),
    [
        ("from ..network import Network", ["layers"], ["network"]),
        ("from .. import network, errors", ["layers"], ["network", "errors"]),
        ("from . import __version__", [], [""]),
        ("from .base import Layer", ["layers"], ["layers.base"]),
        ("import micrograd_tiers.network", ["layers"], ["network"]),
        ("def f():\n    from micrograd_tiers.lab import judge", ["layers"], ["lab.judge"]),
        ("from micrograd_tiers import network as n, Value", ["layers"], ["network", ""]),
        ("import numpy, os.path\nfrom json import loads", ["layers"], []),
    ],
)
def test_imports_are_found_in_every_spelling(text, folder, modules):
    assert [*modules_in(text, folder)] == modules


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    part = part_of(module_of(path))
    if part in ("", "__main__"):
        return
    for module in imported_modules(path):
        if module and part_of(module) != part:
            assert ORDER.index(part_of(module)) < ORDER.index(part), f"{part} imports {module}"


def test_no_files_import_each_other_in_a_circle():
    graph = TopologicalSorter({module_of(path): set(imported_modules(path)) - {""} for path in FILES})
    graph.prepare()  # raises a CycleError that names the circle


def test_no_two_classes_share_a_name():
    names = [
        node.name for path in FILES for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)
    ]
    assert {name for name, n in Counter(names).items() if n > 1} == {
        "Layer"
    }  # one of networks, one in nn as in micrograd


def test_every_folder_is_a_package():
    assert {path.parent for path in FILES} == {path.parent for path in FILES if path.name == "__init__.py"}


def test_nothing_imports_the_command_line():
    importing = [name for name, path in MODULES.items() if "cli" in map(part_of, imported_modules(path))]
    assert {name for name in importing if part_of(name) != "cli"} == {"__main__"}


def test_the_engine_does_not_import_the_tiers():
    assert {*imported_modules(PACKAGE / "engine.py")} == {"_arithmetic", "_engine"}
    assert {*imported_modules(PACKAGE / "_arithmetic.py")} == {"_engine"}
    assert not imported_modules(PACKAGE / "_engine.py")


@pytest.mark.parametrize("name", ["engine.py", "_engine.py", "_arithmetic.py", "derivatives.py"])
def test_the_engine_needs_only_the_standard_library(name):
    assert {*external_imports(PACKAGE / name)} <= sys.stdlib_module_names


@pytest.mark.parametrize("name", ["nn.py", "tiers/scalar.py", "cli/__init__.py", "__init__.py"])
def test_no_numpy_in(name):
    assert "numpy" not in external_imports(PACKAGE / name)


def test_only_figures_import_matplotlib_at_module_level_and_they_import_little_else():
    drawing = {
        name: path for name, path in MODULES.items() if "matplotlib" in external_imports(path, top_level_only=True)
    }
    assert {part_of(name) for name in drawing} == {"figures"}
    for path in drawing.values():
        assert {part_of(module) for module in imported_modules(path)} <= {
            *("arguments", "errors", "files", "colors", "matplotlib_import", "figures"),
        }, path


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import micrograd_tiers", ["numpy", "matplotlib", "argparse"]),
        ("import micrograd_tiers.engine", ["numpy"]),
        ("import micrograd_tiers as mt; mt.Value, mt.Neuron, mt.MLP, mt.engine, mt.nn", ["numpy"]),
        ("import micrograd_tiers as mt; mt.Recipe", ["numpy"]),
        ("import micrograd_tiers as mt; mt.Network, mt.fit, mt.load_mnist", ["matplotlib", "pooch", "tqdm", "PIL"]),
        ("import micrograd_tiers as mt; mt.animate", ["matplotlib", "PIL"]),
        ("import micrograd_tiers.cli as cli; cli.build_parser()", ["numpy", "matplotlib"]),
    ],
)
def test_heavy_imports_are_lazy(code, absent):
    check = f"{code}\nimport sys\nprint([name for name in {absent} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
