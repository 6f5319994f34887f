"""The proof in `gpt.py` holds, and each of its contenders takes a step."""

import re

import gpt

from micrograd_tiers.lab.race import report

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


def test_the_command_begins_with_the_machine(monkeypatch, capsys):
    """Let it print a short proof, and no speed."""
    monkeypatch.setattr("sys.argv", ["gpt.py", "--steps", "1", "--generated", "1", "--rounds", "0"])
    gpt.main()
    machine, documents, *_ = capsys.readouterr().out.splitlines()
    assert machine == report.machine_line(report.machine(1))
    assert documents == "1,000 documents"
