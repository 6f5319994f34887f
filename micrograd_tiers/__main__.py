"""`python -m micrograd_tiers`: the command line, if `micrograd-tiers` is not on the path."""

import sys

from .cli import main

sys.exit(main())
