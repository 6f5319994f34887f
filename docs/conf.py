"""Sphinx configuration of the site: walkthroughs, how-to pages, studies and reference.

Build it with: sphinx-build -W --keep-going docs docs/_build
"""

import os
import re
import sys
import warnings
from pathlib import Path

import micrograd_tiers
from micrograd_tiers.threads import pinned

os.environ |= pinned(1)  # before NumPy is imported: threads that wait for each other slow the walkthroughs down

sys.path.insert(0, str(Path(__file__).parent))
import plot_examples
import side_by_side

ROOT = Path(__file__).parent.parent
PAGES = {int(path.name[:2]): path.stem for path in (ROOT / "walkthroughs").glob("[0-9][0-9]_*.py")}

project = "micrograd-tiers"
author = "The micrograd-tiers founders"
copyright = "The micrograd-tiers founders"
default_role = "code"
release = version = micrograd_tiers.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "**/GALLERY_HEADER.rst", "studies/README.md"]
templates_path = ["_templates"]
nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]  # types in docstrings are text, not links

html_theme = "furo"
html_title = "micrograd-tiers"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
mathjax_path = "mathjax/tex-svg.js"  # MathJax 3.2.2, served from the site itself, so that pages work offline

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
copybutton_prompt_text = "$ "
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": [str(ROOT / "walkthroughs"), str(ROOT / "examples")],
    "gallery_dirs": ["walkthroughs", "examples"],
    "filename_pattern": r"[\\/](\d\d_|gallery)",
    "ignore_pattern": r"solutions|torch_tier|gpt_of_values",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "plot_gallery": "True",
    "image_srcset": ["2x"],
}

warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")


def setup(app):
    """Register what is generated, and the conversion of the walkthroughs from Markdown to reStructuredText."""
    app.connect("builder-inited", write_side_by_side, priority=400)  # before the pages of the reference are generated
    app.connect("builder-inited", lambda app: plot_examples.write(Path(app.srcdir, "plots")), priority=400)
    app.connect("source-read", read_walkthrough)


def write_side_by_side(app):
    """Write the page that shows every op at the three tiers, unless it is unchanged: Sphinx would read it again."""
    path = Path(app.srcdir, "side-by-side.rst")
    if not path.exists() or path.read_text(encoding="utf-8") != side_by_side.page():
        path.write_text(side_by_side.page(), encoding="utf-8")


def read_walkthrough(app, name, source):
    """Convert $...$ to mathematics and "page 3" to a link, wrap pictures, and add the solutions at the end."""
    page = re.fullmatch(r"walkthroughs/(\d\d)_\w+", name)
    if page is None:
        return
    text = re.sub(r"^\$\$\n(.*?)^\$\$$", lambda m: ".. math::\n\n" + indented(m[1]), source[0], flags=re.M | re.S)
    runs = re.split(r"((?:^ {4,}.*\n)+)", text, flags=re.M)  # alternately text and indented blocks (code, output)
    runs[::2] = map(prose, runs[::2])
    text = re.sub(r"^\.\. image-sg::.*\n(?:   .*\n)+", picture, "".join(runs), flags=re.M)
    solutions = ROOT / "walkthroughs" / "solutions" / f"{page[1]}.py"
    folded = f".. dropdown:: Solutions\n\n   .. literalinclude:: /../walkthroughs/solutions/{solutions.name}\n\n"
    mark = ".. _sphx_glr_download_"
    source[0] = text.replace(mark, (folded if solutions.exists() else "") + mark, 1)


def picture(match):
    """Return a picture in a container that can be scrolled on phones."""
    return f".. container:: picture\n\n{indented(match[0])}"


def indented(text):
    """Return the lines, each indented by three more spaces."""
    return "".join(f"   {line}\n" for line in text.splitlines())


def prose(text):
    """Return text with its formulas and links in reStructuredText."""
    return re.sub(r"\b([Pp]age)\s+(\d+)\b", link, re.sub(r"\$([^$]+)\$([.,:;?]?)", formula, text))


def formula(match):
    """Return a formula that includes the punctuation after it, so that no line starts with a punctuation mark."""
    mark = rf"\text{{{match[2]}}}" if match[2] else ""
    return f":math:`{match[1]}{mark}`"


def link(match):
    """Return "page 3" as a link if that page exists, otherwise as text."""
    page = PAGES.get(int(match[2]))
    return f":doc:`{match[0]} <{page}>`" if page else match[0]
