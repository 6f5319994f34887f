"""The proof in `gpt.py` holds, and each of its contenders takes a step."""

import re

import gpt

DOCUMENTS = ["ada", "emmy", "carl"]


def test_the_tiers_and_the_witnesses_agree(capsys):
    """Print the proof for a few steps."""
    gpt.print_proof(DOCUMENTS, steps=3, n=3)
    gpt.print_witnesses(DOCUMENTS)
    out = capsys.readouterr().out
    assert "3 losses and 3 names equal at three tiers: True" in out
    assert out.count("3 of 3 names equal") == 2
    errors = re.findall(r"(?:scalar|vector|tensor) (\d.\de-\d+)", out)
    assert len(errors) == 3 * out.count("gradients against")
    assert max(map(float, errors)) < 1e-14


def test_every_contender_takes_a_step():
    """Take one step of each."""
    for turn, n_documents in gpt.contenders(DOCUMENTS).values():
        assert turn(1) > 0
        assert n_documents in (1, 32)
