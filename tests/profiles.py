"""Hypothesis profiles: few examples by default, many with `pytest --hypothesis-profile=deep`."""

from hypothesis import HealthCheck, settings

QUICK = 25
# No database, so that no run depends on an earlier one; a failing example is printed so that it can be reproduced.
# No limits of time: a busy machine is slow.
SAME = {
    "deadline": None, "suppress_health_check": [HealthCheck.too_slow], "database": None, "print_blob": True
}  # fmt: skip
settings.register_profile("quick", max_examples=QUICK, **SAME)
settings.register_profile("deep", max_examples=40 * QUICK, **SAME)


def examples(n):
    """Return settings for n examples in the quick profile, and proportionally more in the deep one."""
    return settings(max_examples=n * settings.default.max_examples // QUICK, deadline=None)
