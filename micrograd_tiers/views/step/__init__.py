"""One training step, number by number, at several tiers."""

from .front import step_through

__all__ = ["step_through"]
