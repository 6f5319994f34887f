"""The studies, one file each, in the order of the course."""

from ..study import Study
from . import (
    autoencoder,
    cnn_regularization,
    cnn_search,
    convolution_by_hand,
    frozen_encoder,
    lenet,
    mnist_budget,
    softmax_overflow,
    softmax_regression,
    two_layer_mnist,
    vanishing_gradient,
)

IN_ORDER = (
    *(two_layer_mnist, softmax_regression, softmax_overflow, vanishing_gradient),
    *(mnist_budget, convolution_by_hand, lenet, cnn_regularization, cnn_search, autoencoder, frozen_encoder),
)
STUDIES: dict[str, Study] = {module.STUDY.name: module.STUDY for module in IN_ORDER}
