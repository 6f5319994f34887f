"""The benchmark: one training step, timed for every tier and every installed framework once their gradients agree.

`cases` defines the training step. `contenders` lists the implementations: the tiers, other `frameworks`, nets of
`values`, and `limits`. `proof` compares their gradients; `worker` and `race` time them. `targets` are the speeds that
the package must reach, `growth` measures how time grows with the net, and `report` formats the results.
"""

from .cases import Case
from .contenders import CONTENDERS
from .race import Race, Row

__all__ = ["CONTENDERS", "Case", "Race", "Row"]
