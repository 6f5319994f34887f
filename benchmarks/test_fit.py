"""The proof in `fit.py` holds, can fail, and each of its contenders takes a shuffled epoch."""

import fit
import numpy as np

from micrograd_tiers.lab.race import report


def test_all_contenders_end_with_the_weights_of_fit(capsys):
    """Run the proof on a small set."""
    assert fit.main(["--check"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(report.machine_line(report.machine(1)))
    assert out.count("equal weights after 1,000 samples: True") == 2
    assert out.count("weights off by") == 2 * (len(fit.contenders(*fit.data(1, "float64"), shuffle=False)) - 1)


def test_another_learning_rate_fails_the_proof(monkeypatch, capsys):
    """Let `fit` train at another rate than the steps."""
    of_fit, rate = fit.of_fit, fit.RATE

    def faster(*arguments):
        epoch, weights = of_fit(*arguments)

        def epoch_at_another_rate():
            fit.RATE = 1.001 * rate
            epoch()
            fit.RATE = rate

        return epoch_at_another_rate, weights

    monkeypatch.setattr(fit, "of_fit", faster)
    assert fit.main(["--check"]) == 1
    assert "float64: equal weights after 1,000 samples: False" in capsys.readouterr().out


def test_every_contender_takes_a_shuffled_epoch():
    """Train for an epoch, and compare the weights with those before."""
    for epoch, weights in fit.contenders(*fit.data(100, "float32"), shuffle=True).values():
        before = [array.copy() for array in weights()]
        epoch()
        assert all((a != b).any() and np.isfinite(b).all() for a, b in zip(before, weights(), strict=True))
