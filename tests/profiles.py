"""How many examples hypothesis draws: few by default; many with `pytest --hypothesis-profile=deep`."""

from hypothesis import settings

QUICK = 25
settings.register_profile("quick", max_examples=QUICK, deadline=None)
settings.register_profile("deep", max_examples=40 * QUICK, deadline=None)


def examples(n):
    """Settings for a test that draws n examples in the quick profile, and as many times more in the deep one."""
    return settings(max_examples=n * settings.default.max_examples // QUICK, deadline=None)
