"""List of the studies in the order of the course. Each is defined in its own file."""

from . import (
    activations,
    autoencoder,
    batch_size,
    cnn_regularization,
    cnn_search,
    convolution_by_hand,
    depth_width,
    dying_relu,
    frozen_encoder,
    lenet,
    logic_gates,
    memory,
    mlp_width,
    mnist_budget,
    optimizers,
    softmax_overflow,
    softmax_regression,
    two_layer_mnist,
    vanishing_gradient,
    zero_init,
)
from .study import Study

IN_ORDER = (
    *(two_layer_mnist, softmax_regression, softmax_overflow, vanishing_gradient, mlp_width, memory),
    *(zero_init, dying_relu, logic_gates, depth_width, mnist_budget, batch_size, optimizers, activations),
    *(convolution_by_hand, lenet, cnn_regularization, cnn_search, autoencoder, frozen_encoder),
)
STUDIES: dict[str, Study] = {module.STUDY.name: module.STUDY for module in IN_ORDER}
