"""The run of Karpathy's microgpt: initial weights, documents and settings as there, and the figures that it prints.

Source: https://karpathy.github.io/2026/02/12/microgpt/. The weights depend on Python's generator, which there has
shuffled 32,033 names first.
"""

import random
import runpy
from pathlib import Path

import micrograd_tiers as mt
from micrograd_tiers.lab.race.gpts import matrices_of

EXAMPLE = Path(__file__).parents[1] / "examples" / "gpt_of_values.py"

N_NAMES = 32_033
# The first of these names in the order in which microgpt sees them.
NAMES = ["yuheng", "diondre", "xavien", "jori", "juanluis", "erandi", "phia", "samatha", "phoenix", "emmelynn"]
NAMES += ["hollan", "hollis", "callalily"]
LOSSES = [3.3660, 3.4243, 3.1778, 3.0664, 3.2209, 2.9452, 3.2894, 3.3245, 2.8990, 3.2229, 2.7964, 2.9345, 3.0544]
GENERATED = "kamon ann karai jaire vialan karia yeran anna areli kaina konna keylen liole alerin earan lenne kana lara"
GENERATED = [*GENERATED.split(), "alela", "anton"]

LETTERS = mt.Tokenizer("abcdefghijklmnopqrstuvwxyz")


def run(names, **options):
    """Return a trainer with microgpt's initial weights and settings, and the generator that draws its names.

    Parameters
    ----------
    names : list of str
        Either thirteen names in microgpt's order, or all of them in the order of the file.
    **options
        As for `gpt`: tier, exact, dtype.
    """
    rng = random.Random(42)
    shuffled = [*names] if len(names) == N_NAMES else [*range(N_NAMES)]
    rng.shuffle(shuffled)
    documents = shuffled if len(names) == N_NAMES else names

    values = matrices_of(runpy.run_path(str(EXAMPLE))["GPT"](27, rng))
    weights = [[[value.data for value in row] for row in matrix] for matrix in values]
    net = mt.gpt(**options)
    net.load_state_dict(dict(zip(net.state_dict(), weights, strict=True)))
    trainer = mt.Trainer(
        net, *LETTERS.encode(documents[:1000], 16), optimizer=mt.Adam(0.01, 0.85, 0.99, 1e-8), batch_size=1,
        steps=min(1000, len(documents)), shuffle=False, schedule=mt.LinearDecay(1000),
    )  # fmt: skip
    return trainer, rng
