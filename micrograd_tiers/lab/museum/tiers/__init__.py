"""Bugs of the tiers: one file per family of ops, listed here in the order of display."""

from .attention import MASK_BUGS, SCORE_BUGS
from .attention_derivative import ATTENTION_DERIVATIVE_BUGS
from .batch_norm import BATCH_NORM_BUGS
from .cross_entropy import CROSS_ENTROPY_BUGS
from .documents import EMBEDDING_BUGS, NEXT_TOKEN_BUGS, NORM_BUGS
from .images import CONV2D_BUGS, POOLING_BUGS
from .linear import LINEAR_BUGS
from .regression import ABSOLUTE_BUGS, SQUARED_ERROR_BUGS
from .relu_elu import ELU_BUGS, RELU_BUGS
from .shape_and_chance import SHAPE_AND_CHANCE_BUGS
from .sigmoid_tanh import SIGMOID_BUGS, TANH_BUGS
from .soft_targets import SMOOTHING_BUGS, SOFT_BUGS
from .softmax import SOFTMAX_BUGS
from .support import SUPPORT_BUGS
from .two_classes import BINARY_BUGS, HINGE_BUGS

TIER_BUGS = (
    *(*LINEAR_BUGS, *SIGMOID_BUGS, *TANH_BUGS, *RELU_BUGS, *ELU_BUGS),
    *(*SOFTMAX_BUGS, *CROSS_ENTROPY_BUGS, *SQUARED_ERROR_BUGS, *SUPPORT_BUGS),
    *(*CONV2D_BUGS, *POOLING_BUGS, *SHAPE_AND_CHANCE_BUGS, *SMOOTHING_BUGS, *BATCH_NORM_BUGS),
    *(*BINARY_BUGS, *HINGE_BUGS, *ABSOLUTE_BUGS, *SOFT_BUGS),
    *(*EMBEDDING_BUGS, *NORM_BUGS, *SCORE_BUGS, *MASK_BUGS, *ATTENTION_DERIVATIVE_BUGS, *NEXT_TOKEN_BUGS),
)
