"""`import micrograd_tiers as mt`: public names and modules, loaded on first use and visible to people and tools."""

import ast
import inspect
import pickle
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

import micrograd_tiers as mt

MODULES = {"datasets", "engine", "nn", "plots", "tiers"}


def printed(code):
    """Return the output of a program that begins with a bare import of the package."""
    script = f"import micrograd_tiers as mt\n{code}"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_is_available_after_a_bare_import(name):
    assert printed(f"print(mt.{name}.__name__)") == f"micrograd_tiers.{name}"


@pytest.mark.parametrize("name", ["scalar", "vector", "tensor"])
def test_a_tier_is_available_after_a_bare_import(name):
    assert printed(f"print(mt.tiers.{name} is mt.get_tier('{name}'))") == "True"


def test_every_public_name_exists_and_is_documented():
    for name in {*mt.__all__, *MODULES}:
        assert getattr(mt, name).__doc__


def test_the_engine_and_its_neurons_are_available():
    assert mt.Value is mt.engine.Value
    assert (mt.Neuron, mt.MLP) == (mt.nn.Neuron, mt.nn.MLP)
    assert mt.Layer is not mt.nn.Layer  # here the name means the layers of networks


@pytest.mark.parametrize("use", ["", "mt.fit", "mt.plots", "[getattr(mt, name) for name in mt.__all__]"])
def test_dir_lists_the_public_names_before_and_after_use(use):
    names = ast.literal_eval(printed(f"{use}\nprint(dir(mt))"))
    assert {name for name in names if not name.startswith("__")} == {*mt.__all__} | MODULES
    assert {"__all__", "__doc__", "__file__", "__name__", "__version__"} <= {*names}
    assert names == sorted({*names})


def test_a_star_import_binds_the_names_without_the_modules():
    code = "found = {}\nexec('from micrograd_tiers import *', found)\ndel found['__builtins__']\nprint([*found])"
    assert {*ast.literal_eval(printed(code))} == {*mt.__all__}
    assert len({*mt.__all__}) == len(mt.__all__)


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(mt.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = [(node.module, alias.name, alias.asname) for node in block.body for alias in node.names]
    assert all(name == seen for _, name, seen in imported)  # `import x as x` makes x public to them
    assert {name: module for module, name, _ in imported} == mt._MODULE_OF | dict.fromkeys(MODULES)


def test_a_mistyped_name_is_an_attribute_error_that_suggests_the_right_one():
    with pytest.raises(AttributeError, match="module 'micrograd_tiers' has no attribute 'Adma'"):
        mt.Adma  # noqa: B018
    script = "import micrograd_tiers as mt; mt.lenet"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.stderr.endswith("Did you mean: 'lenet5'?\n")
    assert not hasattr(mt, "import_nothing")
    assert not hasattr(mt, "__wrapped__")


def test_introspection_tools_work():
    assert pickle.loads(pickle.dumps([mt.Adam, mt.fit, mt.Value])) == [mt.Adam, mt.fit, mt.Value]
    text = pydoc.plain(pydoc.render_doc(mt))
    assert "class Network" in text
    assert "TYPE_CHECKING" not in text
    reloaded = "mt.fit\nimport importlib\nimportlib.reload(mt)\nprint(mt.fit.__name__, mt.Value is mt.engine.Value)"
    assert printed(reloaded) == "fit True"


def public_functions():
    """Yield the name of each public function, class and method of ours, and the object."""
    for module in (mt, mt.datasets, mt.plots, mt.tiers, mt.engine, mt.nn):
        for name in getattr(module, "__all__", dir(module)):
            thing = getattr(module, name)
            if not str(getattr(thing, "__module__", "")).startswith("micrograd_tiers"):
                continue
            if inspect.isfunction(thing):
                yield name, thing
            elif isinstance(thing, type) and not issubclass(thing, Exception):
                yield name, thing
                methods = ((method, getattr(f, "__func__", f)) for method, f in vars(thing).items())
                yield from (
                    (f"{name}.{method}", f) for method, f in methods if inspect.isfunction(f) and method[0] != "_"
                )


def test_the_signatures_in_the_help_are_readable():
    for name, function in public_functions():
        parameters = inspect.signature(function).parameters.values()
        assert all(len(str(p)) <= 100 for p in parameters), name  # not the dozen types that ArrayLike stands for


def test_the_help_for_fit_names_the_types_as_the_source_does():
    text = pydoc.plain(pydoc.render_doc(mt.fit))
    assert "X: 'ArrayLike'" in text
    assert "shuffle: 'bool' = True" in text


@pytest.mark.parametrize("name", ["datasets", "engine", "nn", "tiers"])
def test_modules_list_only_public_names(name):
    module = getattr(mt, name)
    built_in = {"scalar", "vector", "tensor"} if name == "tiers" else set()
    assert dir(module) == sorted({*module.__all__, *built_in})
    assert all(hasattr(module, listed) for listed in dir(module))


def test_names_that_are_not_listed_are_still_there():
    assert (mt.nn.Value, mt.engine.math.pi > 3, mt.datasets.np.ndim(0)) == (mt.Value, True, 0)
