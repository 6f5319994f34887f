"""Scenes: the short training runs in which bugs are shown, one for each kind of bug.

Some ops and some bugs need a scene of their own: a bug of momentum, for example, shows only if there is momentum.
Nothing is downloaded, and each run takes seconds at most.
"""

from dataclasses import replace

from ..bug import Bug
from .files import Files
from .images import Images
from .keeping import BestKept, Reloaded, Resumed
from .names import Names
from .points import Points
from .tied_names import TiedNames
from .values import Values

Scene = Images | Names | Points | Values

NAMES = Names()
SCENES: dict[str, Scene] = {
    "tier": Images(),
    "network": Images(),
    "training": Images(),
    "engine": Values(),
    "data": Files(),
    "text": NAMES,
}
MOMENTUM = {"learning_rate": 0.1, "momentum": 0.9}
SMOOTHED = Images(label_smoothing=0.1)
CONVOLUTIONAL = Images(
    layers="conv:6,3 relu max:3,2 conv:8,3,2,1 relu", init="kaiming", settings={"learning_rate": 0.2}, decay=0.8
)
DROPPED = replace(CONVOLUTIONAL, layers="conv:4,3 relu max:2 dropout:0.2 linear:32 relu dropout:0.2")
NORMALIZED = replace(CONVOLUTIONAL, layers="conv:4,3 batchnorm relu max:2 conv:8,3,2 batchnorm relu")
RECTIFIED = Images(activation="relu", init="kaiming", settings={"learning_rate": 0.2})
LAYER_NORM = Names(settings={"norm": "layer_norm"})
SQUARE = Images(hidden=10)  # the last layer is square; it is the only one whose dL/dx is needed
SCENES_BY_NAME: dict[str, Scene] = {
    "linear_dx_transposed": SQUARE,
    "linear_dx_ignores_later_outputs": Images(hidden=5),
    "max_pool2d_ties_all": replace(CONVOLUTIONAL, layers="conv:6,3 max:3,2 relu conv:8,3,2,1 relu"),
    "max_pool2d_dx_to_last_maximum": replace(CONVOLUTIONAL, layers="conv:6,3 max:3,2 relu conv:8,3,2,1 relu"),
    "last_sample_only": Images(best_tier="vector"),
    "same_seed_for_every_layer": Images(activation="tanh"),
    "dropout_not_scaled": DROPPED,
    "dropout_scaled_by_p": DROPPED,
    "dropout_mask_shared_in_batch": DROPPED,
    "dropout_in_prediction": DROPPED,
    "dropout_same_mask_every_step": DROPPED,
    "layers_never_in_training_mode": DROPPED,
    "batch_norm_predicts_by_the_batch": NORMALIZED,
    "batch_norm_momentum_reversed": NORMALIZED,
    "batch_norm_running_variance_biased": NORMALIZED,
    "no_shuffle": Images(by_class=True),
    "nan_compared_with_equals": Images(loss="mean_squared_error", activation="relu", settings={"learning_rate": 50.0}),
    "l2_in_loss_not_grad": Images(settings={"learning_rate": 0.5, "weight_decay": 0.002}),
    "velocity_shared": Images(settings=MOMENTUM),
    "adam_no_bias_correction": Images(optimizer="Adam", settings={"learning_rate": 0.03}),
    "adam_shared_count": Images(optimizer="Adam", settings={"learning_rate": 0.03}),
    "nesterov_uses_old_velocity": Images(settings={**MOMENTUM, "nesterov": True}),
    "adamw_decay_in_gradient": Images(optimizer="AdamW", settings={"learning_rate": 0.03, "weight_decay": 0.03}),
    "lr_decay_per_batch": Images(decay=0.9),
    "kaiming_fan_swapped": RECTIFIED,
    "mul_reads_data_at_backward_time": Values(passes="online", activation="tanh", loss="squared"),
    "pow_missing_factor": Values(loss="squared", learning_rate=0.05),
    "relu_grad_at_zero": Values(corners=True),
    "exp_grad_uses_input": Values(loss="logistic"),
    "tanh_grad_uses_input": Values(activation="tanh"),
    "sigmoid_grad_uses_input": Values(activation="sigmoid", learning_rate=1.0),
    "bfs_instead_of_topo": Values(skip=True, learning_rate=0.05),
    "intermediate_grads_not_reset": Values(passes="two"),
    "equal_values_are_one_node": Values(corners=True, activation="tanh"),
    "test_not_scaled": Files(activation="tanh"),
    "labels_sorted_by_class": Files(split=True),
    "split_overlaps": Files(split=True),
    "test_standardized_by_itself": Points(),
    "one_deviation_for_all_features": Points(),
    **dict.fromkeys(
        ("skip_lost_at_the_fork", "branch_lost_at_the_fork", "rate_does_not_fall", "rate_falls_from_the_last_rate"),
        NAMES,
    ),
    **dict.fromkeys(("tied_head_gradient_overwritten", "tied_embedding_gradient_lost"), TiedNames()),
    "attention_root_is_float64": Names(settings={"dtype": "float32"}),
    "best_checkpoint_is_alias": BestKept(settings={"learning_rate": 2.0}),
    "checkpoint_forgets_b2": Reloaded(),
    "resume_reseeds_shuffle": Resumed(),
    "resume_forgets_velocity": Resumed(settings=MOMENTUM),
    "resume_restarts_the_epoch": Resumed(),
}
SCENES_BY_OP: dict[str, Scene] = {
    "tanh": Images(activation="tanh", settings={"learning_rate": 0.2}),
    "relu": RECTIFIED,
    "elu": replace(RECTIFIED, activation="elu"),
    "mean_squared_error": Images(loss="mean_squared_error", settings={"learning_rate": 2.0}),
    "mean_absolute_error": replace(RECTIFIED, loss="mean_absolute_error", n_classes=2),
    "binary_cross_entropy": Images(loss="binary_cross_entropy", settings={"learning_rate": 5.0}),
    "hinge": Images(loss="hinge", n_classes=2),
    "soft_cross_entropy": Images(certainty=0.7),
    "elementwise": Images(settings=MOMENTUM),
    "conv2d": CONVOLUTIONAL,
    "avg_pool2d": replace(CONVOLUTIONAL, layers=CONVOLUTIONAL.layers.replace("max", "avg")),
    "max_pool2d": CONVOLUTIONAL,
    "reshape": CONVOLUTIONAL,
    "dropout": DROPPED,
    "smoothed_cross_entropy": SMOOTHED,
    "batch_norm": NORMALIZED,
    **dict.fromkeys(("embedding", "add_position", "rms_norm", "attention", "next_token_loss"), NAMES),
    "layer_norm": LAYER_NORM,
}


def scene_of(bug: Bug) -> Scene:
    """Return the scene of a bug: its own, otherwise that of its op, otherwise that of its kind."""
    return SCENES_BY_NAME.get(bug.name) or SCENES_BY_OP.get(bug.op) or SCENES[bug.kind]
