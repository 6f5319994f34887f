"""How many examples hypothesis draws: few by default; many with `pytest --hypothesis-profile=deep`."""

from hypothesis import settings

QUICK = 25
# No database: a run does not depend on the one before; what failed is printed, to be run again.
SAME = {"deadline": None, "database": None, "print_blob": True}
settings.register_profile("quick", max_examples=QUICK, **SAME)
settings.register_profile("deep", max_examples=40 * QUICK, **SAME)


def examples(n):
    """Settings for a test that draws n examples in the quick profile, and as many times more in the deep one."""
    return settings(max_examples=n * settings.default.max_examples // QUICK, deadline=None)
