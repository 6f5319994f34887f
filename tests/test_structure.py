"""The structure that the design promises: one direction of imports, light start, public names."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import micrograd_tiers as mt
from micrograd_tiers import cli, datasets, tiers

PACKAGE = Path(mt.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# What each part may import of the package: only what stands before it. A folder counts as one part.
ORDER = [
    *("arguments", "errors", "files", "threads", "_engine", "engine", "nn"),
    *("tiers", "initializers", "layers", "losses", "backprop", "optimizers", "schedules"),
    *("metrics", "rng", "datasets", "images", "checks", "summary", "network", "models", "progress", "training"),
    *("recipe", "serialization", "comparison", "benchmark"),
    *("gradcheck", "bugs", "conformance"),
    *("plots", "experiments", "commands", "cli"),
]


def part_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path):
    """Names of the package's parts that a file imports, wherever in the file."""
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == depth:  # from .. import x, from ..x import y
            yield from [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]


def external_imports(path, *, top_level_only=False):
    tree = ast.parse(path.read_text())
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    part = part_of(path)
    if part in ("__init__", "__main__"):
        return
    for imported in imported_parts(path):
        if imported not in ("__version__", part):
            assert ORDER.index(imported) < ORDER.index(part), f"{part} imports {imported}"


def test_nothing_imports_the_command_line():
    assert [path.name for path in FILES for part in imported_parts(path) if part == "cli"] == ["__main__.py"]


def test_the_engine_knows_nothing_of_the_tiers():
    assert [*imported_parts(PACKAGE / "engine.py")] == ["_engine"]
    assert not [*imported_parts(PACKAGE / "_engine.py")]


@pytest.mark.parametrize("name", ["engine.py", "_engine.py"])
def test_the_engine_needs_the_standard_library_only(name):
    assert {*external_imports(PACKAGE / name)} <= sys.stdlib_module_names


@pytest.mark.parametrize("name", ["nn.py", "tiers/scalar.py", "cli.py", "__init__.py"])
def test_no_numpy_in(name):
    assert "numpy" not in external_imports(PACKAGE / name)


def test_only_plots_imports_matplotlib_at_its_top():
    importing = [path.name for path in FILES if "matplotlib" in external_imports(path, top_level_only=True)]
    assert importing == ["plots.py"]


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import micrograd_tiers", ["numpy", "matplotlib", "argparse"]),
        ("import micrograd_tiers.engine", ["numpy"]),
        ("import micrograd_tiers as mt; mt.Network, mt.fit, mt.load_mnist", ["matplotlib", "pooch", "tqdm", "PIL"]),
        ("import micrograd_tiers.cli as cli; cli.build_parser()", ["numpy", "matplotlib"]),
    ],
)
def test_heavy_imports_are_lazy(code, absent):
    check = f"{code}\nimport sys\nprint([name for name in {absent} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_every_public_name_can_be_had_and_is_documented():
    for name in mt.__all__:
        assert getattr(mt, name).__doc__
        assert name in dir(mt)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        mt.nonsense  # noqa: B018


def test_type_checkers_see_the_same_names():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.asname: node.module for node in block.body for alias in node.names}
    assert seen == mt._MODULE_OF


def test_the_command_line_knows_the_tiers_and_sets_by_name():
    assert cli.TIERS == tiers.TIERS
    assert cli.DATASETS == datasets.DATASETS
