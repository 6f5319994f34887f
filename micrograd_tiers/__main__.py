"""`python -m micrograd_tiers` is the command line, where `micrograd-tiers` is not on the path."""

import sys

from .cli import main

sys.exit(main())
