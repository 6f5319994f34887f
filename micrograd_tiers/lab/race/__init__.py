"""The benchmark: one training step, of every tier and of whoever else is installed, proved equal and then raced.

`cases` says what is computed, `contenders` who computes it (the tiers, other `frameworks`, nets of `values`, `limits`),
`proof` whether it is right, `worker` and `race` how it is timed; `targets` what the package promises, `growth` how the
time grows with the net; `report` puts it into words.
"""

from .cases import Case
from .contenders import CONTENDERS
from .race import Race, Row

__all__ = ["CONTENDERS", "Case", "Race", "Row"]
