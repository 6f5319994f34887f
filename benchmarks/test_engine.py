"""The output of `engine.py`; `tests/core/test_memory_and_speed.py` tests its measurement."""

import engine

from micrograd_tiers.lab.race import report


def test_the_command_names_the_machine(monkeypatch, capsys):
    """Print times that are made up."""
    times = {(name, collector): [1.0, 2.0] for name in engine.CLASSES for collector in ("on", "off")}
    monkeypatch.setattr(engine, "measure", lambda rounds: (dict.fromkeys(engine.CLASSES, 9), times))
    monkeypatch.setattr("sys.argv", ["engine.py", "--rounds", "2"])
    engine.main()
    machine, title, *_ = capsys.readouterr().out.splitlines()
    assert machine == report.machine_line(report.machine(1))
    assert title == "One training step of a GPT on a name of five letters, 2 rounds"
