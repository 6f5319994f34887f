"""Bugs of the data: files read wrongly, samples prepared inconsistently, nets and runs restored incompletely."""

from .bug import Bug

DATA_BUGS: tuple[Bug, ...] = (
    Bug(
        name="header_little_endian",
        title="the header of an IDX file is read little-endian",
        kind="data",
        edits={
            "datasets/idx.py": (
                (
                    "_read_header",
                    'struct.unpack(f">{n_dimensions}I", sizes)',
                    'struct.unpack(f"<{n_dimensions}I", sizes)',
                ),
            )
        },
        symptom="The program stops before training: the header claims billions of bytes.",
        property="an array is unchanged after being written to a file and read again",
        explanation="The format stores its sizes with the most significant byte first. Read the other way round, 28 "
        "becomes 469,762,048. Being that far off is a mercy, because the file is refused at once.",
        hint="Which shape does the header claim, in hexadecimal?",
    ),
    Bug(
        name="label_offset_off_by_one",
        title="labels are read one byte late, and the last image is dropped to match",
        kind="data",
        edits={
            "datasets/mnist.py": (
                ("read_split", "images = images[:n]", "images = images[:n][:-1]"),
                ("read_split", "labels[:n].astype(np.int64)", "labels[:n][1:].astype(np.int64)"),
            )
        },
        symptom="The net learns next to nothing: the accuracy is that of guessing, and no error is raised.",
        property="the loaded labels are those that were written",
        explanation="A header of 8 bytes was taken for one of 9. Each image has its neighbor's label, and dropping "
        "the last image silences the only complaint: that the numbers of images and labels differ.",
        hint="Look at the first ten images. Are these their labels?",
    ),
    Bug(
        name="read_as_int8",
        title="pixels are read as signed bytes",
        kind="data",
        edits={"datasets/idx.py": (("", '0x08: "u1"', '0x08: "i1"'),)},
        symptom="The net learns slowly and ends at half the accuracy.",
        property="every pixel lies in [0, 1]",
        explanation="Bytes from 128 on become negative, so white turns nearly black, and the gray rim of each stroke "
        "is brighter than its middle. The labels are all below 128 and survive.",
        hint="What are the smallest and the largest pixel value?",
    ),
    Bug(
        name="images_transposed",
        title="images are flattened column by column",
        kind="data",
        edits={
            "datasets/mnist.py": (
                ("read_split", "images.reshape(len(images), -1)", 'images.reshape(len(images), -1, order="F")'),
            )
        },
        symptom="No visible effect: training and test images are transposed alike, and the accuracy is the same.",
        property="the loaded pixels are those that were written, in the same order",
        explanation="To a dense layer, the order of the features means nothing, as long as it is always the same. An "
        "image from elsewhere, or the same net in another program, shows the mistake.",
        hint="Draw one image. Is it upright?",
    ),
    Bug(
        name="pixels_not_scaled",
        title="pixels from 0 to 255 are fed to the net as they are",
        kind="data",
        edits={
            "datasets/mnist.py": (
                (
                    "read_split",
                    "np.divide(images.reshape(len(images), -1), 255, dtype=dtype)",
                    "images.reshape(len(images), -1).astype(dtype)",
                ),
            )
        },
        symptom="The loss does not fall, and the accuracy is that of guessing.",
        property="every pixel lies in [0, 1]",
        explanation="Sums of hundreds of such inputs push every sigmoid to 0 or 1, where its derivative vanishes. The "
        "first layer cannot learn, and the second can only read what the first one happens to return.",
        hint="How large are the inputs of the sigmoids?",
    ),
    Bug(
        name="integer_division",
        title="pixels are divided by 255 with integer division",
        kind="data",
        edits={"datasets/mnist.py": (("read_split", "np.divide", "np.floor_divide"),)},
        symptom="The loss hardly falls, and the accuracy is that of guessing.",
        property="the loaded pixels are those that were written, divided by 255",
        explanation="x // 255 is 1 for the brightest pixels and 0 for all others: the images are black except for a "
        "few dots.",
        hint="How many different values do the pixels have?",
    ),
    Bug(
        name="test_not_scaled",
        title="training images are scaled, but test images are not",
        kind="data",
        edits={
            "datasets/mnist.py": (("read_split", "255, dtype=dtype", '255 if split == "train" else 1, dtype=dtype'),)
        },
        symptom="The training loss is right to the last digit. The test accuracy is a few points lower, and the net "
        "is more confident of its answers.",
        property="every pixel lies in [0, 1], in both splits",
        explanation="The net is asked about images that are 255 times as bright as any it has seen, which saturate "
        "its hidden units. It answers all the same.",
        hint="What is the mean of the training images, and what is that of the test images?",
    ),
    Bug(
        name="labels_sorted_by_class",
        title="the samples are sorted by class before the split",
        kind="data",
        edits={
            "datasets/preparation.py": (
                (
                    "train_validation_split",
                    "order = generator(seed).permutation(len(X))",
                    'order = np.argsort(y, kind="stable")',
                ),
            )
        },
        symptom="The training loss is better than ever, and the validation accuracy is no better than guessing.",
        property="a split is shuffled: its parts have about the same share of each class",
        explanation="The last samples in the order become the validation set. They now belong to the last classes, of "
        "which training sees few or none.",
        hint="Which classes are in the training part, and which in the validation part?",
    ),
    Bug(
        name="split_overlaps",
        title="the validation samples are in the training part too",
        kind="data",
        edits={
            "datasets/preparation.py": (
                (
                    "train_validation_split",
                    "train, validation = order[:n_train], order[n_train:]",
                    "train, validation = order, order[n_train:]",
                ),
            )
        },
        symptom="The validation accuracy is ten points too good.",
        property="every sample is in exactly one part of a split",
        explanation="The net is examined on questions whose answers it has seen. The accuracy measures how well it "
        "remembers, not how well it will do on anything new.",
        hint="How many samples do the two parts have together?",
    ),
    Bug(
        name="test_standardized_by_itself",
        title="each part is standardized by its own mean and standard deviation",
        kind="data",
        edits={
            "datasets/preparation.py": (
                (
                    "Standardizer.__call__",
                    "(x - mean) / std",
                    "(X - X.mean(axis=0)) / X.std(axis=0)",
                ),
            )
        },
        symptom="No effect on a large, well-mixed test set. If samples come a few at a time, the accuracy falls by "
        "some points, and a sample that comes alone gives nan.",
        property="a sample is standardized to the same numbers alone as among others",
        explanation="The mean and the standard deviation of the training set belong to the net, as its weights do. If "
        "they are computed again, each sample is shifted by its neighbors, and a single sample, divided by a "
        "deviation of 0, becomes nan.",
        hint="What does one sample become when it comes alone?",
    ),
    Bug(
        name="one_deviation_for_all_features",
        title="all features are divided by a single standard deviation, taken over all numbers",
        kind="data",
        edits={
            "datasets/preparation.py": (
                (
                    "Standardizer.fit",
                    "std = np.where(std == 0, 1, np.maximum(np.ldexp(std, exponent + 2), least))",
                    "std = (X - X[0]).std() * np.ones(X.shape[1])",
                ),
            )
        },
        symptom="The net learns as if one of its features did not exist.",
        property="each standardized feature has a standard deviation of 1",
        explanation="Without axis=0, the standard deviation is that of all numbers together, and the feature with the "
        "largest numbers decides it. A feature with small numbers all but disappears.",
        hint="Measure one feature in millimeters instead of meters. Should that change anything?",
    ),
    Bug(
        name="best_checkpoint_is_alias",
        title="state_dict returns the arrays themselves instead of copies",
        kind="data",
        edits={
            "weights.py": (
                (
                    "Chain._ndarray",
                    "array.copy()",
                    "array",
                ),
            )
        },
        symptom="The best weights are those of the last epoch, however good they are. There is also a false alarm: "
        "the trainer warns that its first step has moved no weight.",
        property="a state_dict does not change when training continues",
        explanation="Steps are taken in place, so the weights kept as the best ones continue to be trained. The "
        "scalar tier has to convert lists, so it makes new arrays and hides the bug.",
        hint="Keep the best weights, continue to train, and look at them again. Are they unchanged?",
    ),
    Bug(
        name="checkpoint_forgets_b2",
        title="the loop that restores the parameters leaves out the last one",
        kind="data",
        edits={
            "weights.py": (
                (
                    "Chain.load_state_dict",
                    "arrays.items()",
                    "list(arrays.items())[:-1]",
                ),
            )
        },
        symptom="The loaded net is slightly worse than the saved one: by some points early in training, by less than "
        "a point in the end.",
        property="a saved net is loaded with the same weights, all of them",
        explanation="The last bias stays 0, as in a new net. It is only ten numbers of several thousand, so the "
        "loaded net is nearly the saved one.",
        hint="Which parameters differ between the saved net and the loaded one?",
    ),
    Bug(
        name="resume_reseeds_shuffle",
        title="a resumed run does not restore the state of its random generator",
        kind="data",
        edits={"trainer.py": (("Trainer.load_state_dict", "self._rng.bit_generator.state = state.rng_state", "pass"),)},
        symptom="No visible effect: the resumed run repeats the sample order of its first epochs.",
        property="a resumed run ends in the same bits as one that was never stopped",
        explanation="The state of the generator is part of the state of the run. Without it, a run can be repeated "
        "only if it was never stopped.",
        hint="Train for ten epochs at once, and for five and then five more. Are the weights the same?",
    ),
    Bug(
        name="resume_forgets_velocity",
        title="the state of the optimizer is not saved",
        kind="data",
        edits={
            "training_state.py": (
                (
                    "TrainingState.to_arrays",
                    "memory = self.memory.get(name, {})",
                    "memory = dict[str, Any]()",
                ),
            )
        },
        symptom="No visible effect: after the stop, the loss is a percent or two higher for a while.",
        property="a resumed run ends in the same bits as one that was never stopped, with momentum",
        explanation="The velocity starts from zero again, as if the run had just begun. Plain gradient descent keeps "
        "no state, so there the bug cannot be seen.",
        hint="Besides the weights, what does the next step depend on?",
    ),
    Bug(
        name="resume_restarts_the_epoch",
        title="a run that was stopped within an epoch starts that epoch again",
        kind="data",
        edits={
            "trainer.py": (
                (
                    "Trainer.load_state_dict",
                    "self.state = state",
                    "self.state = state\nstate.position, state.loss_sum = 0, 0.0",
                ),
            )
        },
        symptom="No visible effect: one epoch is half as long again, and its loss is lower as a result.",
        property="a run that is stopped after any step and resumed ends in the same bits as one that was never stopped",
        explanation="The samples before the stop are seen twice in that epoch. If you save only at the end of an "
        "epoch, you never notice.",
        hint="How many steps does the run take in total, with a stop and without?",
    ),
)
