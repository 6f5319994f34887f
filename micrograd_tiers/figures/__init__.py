"""Pictures, one module per subject; they take arrays and labels, not nets, trainers or benchmarks."""

from ..matplotlib_import import import_matplotlib

import_matplotlib()
