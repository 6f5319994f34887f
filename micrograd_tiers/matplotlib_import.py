"""The import of matplotlib, which refuses to be imported if MPLBACKEND names a back end that it does not know."""

import os
import sys
from contextlib import suppress


def import_matplotlib() -> None:
    """Import matplotlib with the back end that MPLBACKEND names, or without one: pictures are written without any."""
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with suppress(ValueError):  # an unknown name matters to those only who open windows
            matplotlib.rcParams["backend"] = backend
