"""The studies, one file each, in the order of the course."""

from ..study import Study
from . import (
    convolution_by_hand,
    softmax_overflow,
    softmax_regression,
    two_layer_mnist,
    vanishing_gradient,
)

STUDIES: dict[str, Study] = {
    module.STUDY.name: module.STUDY
    for module in (two_layer_mnist, softmax_regression, softmax_overflow, vanishing_gradient, convolution_by_hand)
}
