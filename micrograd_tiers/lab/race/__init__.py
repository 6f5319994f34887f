"""The benchmark: one training step, timed for every tier and every installed framework once their gradients agree.

`cases` defines the training step, of a classifier or of a GPT. `contenders` lists the implementations: the tiers, other
`frameworks`, nets of `values`, `limits`, and steps of `gpts`; `sources` finds those that are installed. `proof`
compares their gradients; `race` times them, each in a `process` of its own where a `worker` answers. `targets` are the
speeds that the package must reach, and `history` is the file of those that were measured. `growth` measures how time
grows with the net, and `report` formats the results.
"""

from .cases import Case, GPTCase
from .contenders import CONTENDERS
from .race import Race, Row

__all__ = ["CONTENDERS", "Case", "GPTCase", "Race", "Row"]
