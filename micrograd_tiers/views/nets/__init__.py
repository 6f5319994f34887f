"""Drawings of nets: units, weights and gradients, feature maps, weights as pictures."""

from .net import draw_net

__all__ = ["draw_net"]
