"""`mt.animate`: the run of `mt.fit`, recorded without a trace in it, and what its page says."""

import base64
import json
import math
import re
import zlib
from itertools import pairwise

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.colors import NEGATIVE, PALETTE, POSITIVE, STRONGEST
from micrograd_tiers.views.animation import recording as recordings
from micrograd_tiers.views.animation.plot import Axes
from micrograd_tiers.views.animation.scenes import strengths_of
from micrograd_tiers.views.animation.timeline import largest_difference, logarithmic, real_time

MOONS = mt.load_dataset("moons", n_train=60)
PLANE = np.random.default_rng(0).uniform(-1, 1, (40, 2))
SIGNS = np.where(PLANE[:, 0] * PLANE[:, 1] > 0, 1, -1)
LINE = np.linspace(-2, 2, 30)[:, None]


def small(loss="softmax_cross_entropy", n_outputs=2, n_inputs=2, **settings):
    return mt.mlp([n_inputs, 4, n_outputs], "tanh", loss=loss, **settings)


KINDS = {  # net and data
    "two classes": (small(), MOONS),
    "ten classes": (small(n_outputs=10), (PLANE, np.arange(40) % 10)),
    "probabilities": (small(), (PLANE, np.eye(2)[(SIGNS + 1) // 2] * 0.8 + 0.1)),
    "yes or no": (small("binary_cross_entropy", 1), MOONS),
    "one question per class": (small("binary_cross_entropy", 3), mt.load_dataset("blobs", n_train=60)),
    "hinge": (small("hinge", 1), MOONS),
    "signs": (small("hinge", 1), (PLANE.tolist(), SIGNS.tolist())),
    "a value in the plane": (small("mean_squared_error", 1), (PLANE, PLANE.prod(axis=1))),
    "a curve": (small("mean_absolute_error", 1, 1), (LINE, np.sin(LINE))),
}


def data_of(animation):
    """Return the data that the script of the page reads."""
    return json.loads(re.search(r"const data = (.*);\n", animation.page().html())[1])


def pixels_of(source):
    """Return the pixels (H, W, 4) of a data URI made by `html.png`."""
    file = base64.b64decode(source.removeprefix("data:image/png;base64,"))
    width, height = (int.from_bytes(file[i : i + 4], "big") for i in (16, 20))
    rows = zlib.decompress(file[file.index(b"IDAT") + 4 : file.index(b"IEND") - 8])
    return np.frombuffer(rows, np.uint8).reshape(height, 1 + 4 * width)[:, 1:].reshape(height, width, 4)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": mt.Adam(0.02), "batch_size": 7, "epochs": 3},
        {"optimizer": "rmsprop", "schedule": "cosine", "seed": 5, "epochs": 2},
        {"batch_size": 25, "drop_last": True, "shuffle": False, "epochs": 4},
    ],
)
@pytest.mark.parametrize("tiers", [None, ("vector", "tensor")])
def test_the_steps_are_those_of_fit(settings, tiers):
    layers = [mt.Linear(2, 4), mt.Tanh(), mt.Dropout(0.3), mt.Linear(4, 2)]
    net = mt.Network(layers, seed=3)
    before = net.state_dict()
    animation = mt.animate(net, MOONS, tiers=tiers, frames=4, **settings)
    assert all(np.array_equal(before[name], weights) for name, weights in net.state_dict().items())
    for recording, tier in zip(animation.recordings, tiers or ["tensor"], strict=True):
        fitted = net.to(tier)
        history = mt.fit(fitted, MOONS.train_x, MOONS.train_y, **{"batch_size": 64, **settings})
        assert recording.batch_loss == history.batch_loss
        for name, weights in fitted.state_dict().items():
            assert np.array_equal(recording.net.state_dict()[name], weights), name
        assert recording.frames[-1].loss == pytest.approx(mt.evaluate(fitted, MOONS.train_x, MOONS.train_y)["loss"])


@pytest.mark.parametrize("steps", [1, 5, 59, 60, 61, 100, 3_000, 10**6])
@pytest.mark.parametrize("frames", [2, 3, 60])
def test_frames_are_denser_at_the_start(steps, frames):
    moments = recordings.moments(steps, frames)
    assert (moments[0], moments[-1], len(moments)) == (0, steps, min(frames, steps + 1))
    distances = [b - a for a, b in pairwise(moments)]
    assert min(distances) >= 1
    assert all(a <= b + 1 for a, b in pairwise(distances))  # they grow, up to rounding
    if steps > 10 * frames > 20:
        assert moments[frames // 2] < steps / 4


@pytest.mark.parametrize(("n", "batch_size", "epochs"), [(2_000, 64, 96), (4, 64, 3_000), (60_000, 64, 4)])
def test_by_default_a_run_has_about_3000_steps(n, batch_size, epochs):
    assert recordings.default_epochs(n, batch_size) == epochs
    assert 3_000 <= epochs * math.ceil(n / batch_size) <= 3_000 + 1_000


def test_frames_are_in_order_and_two_calls_record_the_same():
    first, second = (mt.animate(small(), MOONS, epochs=20, frames=10).recordings[0].frames for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert (a.step, a.epoch, a.loss, a.accuracy, a.picture) == (b.step, b.epoch, b.loss, b.accuracy, b.picture)
    for a, b in pairwise(first):
        assert a.step < b.step
        assert a.epoch <= b.epoch
        assert a.seconds < b.seconds
    assert (first[0].step, first[0].epoch, first[0].seconds) == (0, 0, 0.0)
    assert (first[-1].step, first[-1].epoch) == (20, 20)


@pytest.mark.parametrize("kind", ["two classes", "ten classes", "yes or no", "one question per class"])
def test_a_pixel_has_the_color_of_the_class_and_the_opacity_of_its_probability(kind):
    net, data = KINDS[kind]
    animation = mt.animate(net, data, epochs=2, frames=3)
    recording, scene = animation.recordings[0], animation.scene
    pixels = pixels_of(data_of(animation)["pictures"][-1])
    probabilities = recording.net.predict_proba(scene.grid).reshape(*pixels.shape[:2], -1)
    left, right, bottom, top = scene.bounds
    assert scene.grid[0] == pytest.approx([left, top], abs=(right - left + top - bottom) / 64)
    for row, column in [(0, 0), (0, 63), (31, 40), (63, 0), (63, 63)]:
        p = probabilities[row, column]
        assert bytes(pixels[row, column, :3]).hex() == PALETTE[p.argmax()][1:].lower()
        assert pixels[row, column, 3] == round(255 * STRONGEST * p.max())


def test_a_value_has_its_diverging_color_and_a_curve_its_height():
    animation = mt.animate(*KINDS["a value in the plane"], epochs=2, frames=3)
    scene = animation.scene
    pixels = pixels_of(data_of(animation)["pictures"][-1]).reshape(-1, 4)
    values = animation.recordings[0].net.predict(scene.grid)[:, 0]
    assert [*map(tuple, pixels[:, :3])] == [NEGATIVE if value < 0 else POSITIVE for value in values]
    shares = np.minimum(1, np.abs(values) / np.abs(KINDS["a value in the plane"][1][1]).max())
    assert np.abs(pixels[:, 3] - 255 * STRONGEST * shares).max() <= 0.51

    animation = mt.animate(*KINDS["a curve"], epochs=2, frames=3)
    net, scene, points = animation.recordings[0].net, animation.scene, data_of(animation)["pictures"][-1].split()
    plane = Axes(scene.bounds, 330, scene.axes)
    for (x,), value, point in zip(scene.grid, net.predict(scene.grid)[:, 0], points, strict=True):
        assert point == "{:g},{:g}".format(*plane.at(x, value))


def test_the_strength_of_a_hinge_net_is_the_output_up_to_the_margin():
    net = KINDS["hinge"][0]
    outputs = net.forward(PLANE)[:, 0]
    strengths = np.array(strengths_of(net, PLANE.tolist()))
    assert np.allclose(strengths[:, 1], (1 + outputs.clip(-1, 1)) / 2)
    assert np.allclose(strengths.sum(axis=1), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_has_every_frame_of_every_kind_of_net(kind):
    net, data = KINDS[kind]
    animation = mt.animate(net, data, epochs=3, frames=3)
    page, frames = data_of(animation), animation.recordings[0].frames
    assert len(page["panels"][0]) == len(frames)
    assert page["clocks"][0]["frames"] == [[k] for k in range(len(frames))]
    assert len(page["pictures"]) == len(frames)  # they all differ
    for shown, frame in zip(page["panels"][0], frames, strict=True):
        scores = [f"{frame.loss:.4g}"] + ([] if frame.accuracy is None else [f"{frame.accuracy:.1%}"])
        assert shown["numbers"] == [f"{frame.step} of {frames[-1].step}", f"{frame.epoch} of 3", *scores]
        assert len(shown["mark"]) == 2
    assert kind not in ("two classes", "hinge") or "share of the plane: upper" in page["panels"][0][0]["words"]


def test_the_default_page_is_small_and_loads_nothing(tmp_path):
    animation = mt.animate(mt.two_layer_net(2, 8, 2), mt.load_dataset("moons"))
    animation.save(tmp_path / "learning.html")
    text = (tmp_path / "learning.html").read_text()
    assert len(text) < 1_500_000
    assert "http" not in text.replace("http-equiv", "")
    assert animation._repr_html_().startswith("<iframe srcdoc=")
    assert "60 frames of 3,072 steps" in repr(animation)
    assert len(repr(animation).splitlines()) <= 10


def test_tiers_side_by_side_take_the_same_steps_and_the_page_says_how_long():
    animation = mt.animate(small(exact=True), MOONS, epochs=5, frames=6, tiers=("scalar", "tensor"))
    scalar, tensor = animation.recordings
    assert scalar.batch_loss == tensor.batch_loss
    text, page = animation.page().html(), data_of(animation)
    assert "are equal to the last bit. Only the speed differs." in text
    for recording in (scalar, tensor):
        assert f"{recording.net.tier_name} done after {recording.frames[-1].seconds:.3g} s" in text
    assert "style='--color:var(--scalar)'" in text
    assert len(page["pictures"]) == 6  # both show the same
    assert [clock["name"] for clock in page["clocks"]] == ["real time", "logarithmic time"]


def test_the_page_says_so_if_tiers_are_not_the_same():
    animation = mt.animate(small(), MOONS, epochs=5, frames=6, tiers=("vector", "tensor"))
    for recording, loss in zip(animation.recordings, (0.25, 0.75), strict=True):
        recording.batch_loss[2] = loss
    assert "They do not pass through the same states: losses of a mini-batch differ by up to 0.5" in (
        animation.page().html()
    )
    animation.recordings[1].batch_loss.pop()
    assert largest_difference(animation.recordings) == math.inf


@pytest.mark.parametrize("clock", [real_time, logarithmic])
def test_at_each_time_a_tier_shows_the_last_frame_that_it_had_reached(clock):
    animation = mt.animate(small(), MOONS, epochs=30, frames=12, tiers=("scalar", "tensor"))
    shown = clock(animation.recordings, 50)
    assert len(shown.times) == len(shown.frames) == 50
    assert shown.times == sorted(shown.times)
    assert shown.frames[0] == [0, 0]
    assert shown.frames[-1] == [len(recording.frames) - 1 for recording in animation.recordings]
    for time, numbers in zip(shown.times, shown.frames, strict=True):
        for k, recording in zip(numbers, animation.recordings, strict=True):
            seconds = [frame.seconds for frame in recording.frames]
            assert seconds[k] <= time
            assert k == len(seconds) - 1 or seconds[k + 1] > time


def test_the_time_of_the_recording_does_not_count(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(recordings, "perf_counter", lambda: clock[0])
    net, data = small(), (MOONS.train_x, MOONS.train_y)
    trainer = mt.Trainer(net, *data, epochs=9)

    def slow_step(step=trainer.step):
        clock[0] += 1
        return step()

    def slow_picture(viewer):
        clock[0] += 1_000
        return viewer

    monkeypatch.setattr(trainer, "step", slow_step)
    recorded = recordings.record(trainer, small(), slow_picture, 5)
    assert [frame.seconds for frame in recorded.frames] == [frame.step for frame in recorded.frames]


@pytest.mark.parametrize("tiers", [None, ("vector", "tensor")])
@pytest.mark.parametrize("kind", ["two classes", "hinge", "a value in the plane", "a curve"])
@pytest.mark.filterwarnings("error")
def test_a_run_that_diverges_is_shown_up_to_there(kind, tiers):
    net, data = KINDS[kind]
    layers = [layer if not isinstance(layer, mt.Tanh) else mt.ReLU() for layer in net.layers]
    net = mt.Network(layers, net.loss)
    animation = mt.animate(net, data, optimizer=mt.SGD(1e200), epochs=30, tiers=tiers)
    for recording in animation.recordings:
        assert recording.diverged.startswith(f"training diverged at step {recording.frames[-1].step} ")
        assert recording.frames[-1].step < 30
    text = animation.page().html()
    assert "<p>Training diverged at step" in text
    assert "The animation ends there.</p>" in text
    last = data_of(animation)["panels"][0][-1]  # valid JSON, without NaN
    assert last["numbers"][2] in ("nan", "inf")
    assert last["mark"] is None
    assert "diverged" in repr(animation)


@pytest.mark.parametrize(
    ("net", "data", "message"),
    [
        ("net", MOONS, "net is 'net', expected a Network"),
        (small(), "moons", r"data is 'moons', expected a data set such as mt.load_dataset\('moons'\), or a pair"),
        (small(), (1, 2), r"X has shape \(\), expected \(N, 2\)"),
        (small(), (np.empty((0, 2)), []), "X is empty"),
        (small(), PLANE, r"data is array.*, expected a data set"),
        (mt.two_layer_net(784, 4, 10), MOONS, r"net takes samples of shape \(784,\), expected 2 features: .*; try"),
        (
            mt.gpt(n_tokens=3, features=2, heads=1, length=2),
            ([[0, 1]], [[1, 2]]),
            "net takes documents of token numbers, expected samples of 2 features: .*mt.fit trains such a net",
        ),
        (small(n_inputs=3), MOONS, r"net takes samples of shape \(3,\), expected 2"),
        (small(), (np.ones((5, 4)), [0] * 5), "data has samples of 4 features, expected 2: .* try mt.animate"),
        (small(), (PLANE, [0] * 7), r"y has shape \(7,\), expected one target for each of the 40 samples"),
        (small(n_inputs=1), (LINE, [0] * 30), "data has samples of 1 feature, expected 2 for a net that classifies"),
        (small(n_outputs=11), (PLANE, [0] * 40), "net has 11 classes, expected at most 10"),
        (small("hinge", 1), mt.load_dataset("spiral", n_train=9), "spiral has 3 classes, .* use mt.mlp"),
        (small("mean_squared_error"), (PLANE, PLANE), "net has 2 outputs and the loss mean_squared_error, expected"),
        (small("binary_cross_entropy"), (PLANE, np.ones((40, 2))), "y answers 2 questions .* expected one 1 per row"),
        (small(), (np.array([[-1e308, 0], [1e308, 1]]), [0, 1]), r"data reaches from -1e\+308 to 1e\+308"),
    ],
)
def test_an_error_says_what_to_use_instead(net, data, message):
    with pytest.raises(ValueError, match=message):
        mt.animate(net, data, epochs=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frames": 1}, "frames is 1, expected a whole number from 2"),
        ({"epochs": 0}, "epochs is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"tiers": "scalar"}, "tiers is 'scalar', expected names such as"),
        ({"tiers": mt.tiers.scalar}, "tiers is <module .*, expected names such as"),
        ({"tiers": ()}, r"tiers is \(\), expected names such as"),
        ({"tiers": ["scaler"]}, "tier 'scaler'"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        mt.animate(small(), MOONS, **settings)


def test_the_call_that_an_error_recommends_runs():
    with pytest.raises(mt.DataError) as error:
        mt.animate(mt.lenet5(), MOONS)
    call = str(error.value).split("; try ")[-1]
    assert eval(call, {"mt": mt}).recordings[0].frames[-1].accuracy > 0.95


def test_your_own_tier_has_its_name_and_a_color(tmp_path):
    (tmp_path / "my_tier.py").write_text("from micrograd_tiers.tiers.tensor import *")
    tiers = ["vector", str(tmp_path / "my_tier.py")]
    text = mt.animate(small(), MOONS, epochs=1, frames=2, tiers=tiers).page().html()
    assert f"<h2>{tmp_path / 'my_tier.py'}</h2>" in text
    assert text.count("class='panel tier' style='--color:#") == 1


def test_samples_whose_label_is_ignored_are_not_drawn():
    net = mt.mlp([2, 4, 2], loss=mt.SoftmaxCrossEntropy(ignore=-1))
    animation = mt.animate(net, (PLANE, [-1] * 10 + [0, 1] * 15), epochs=1)
    assert len(animation.scene.points) == 30


def test_names_of_classes_are_escaped():
    data = mt.datasets.Dataset("<b>", PLANE, (SIGNS + 1) // 2, PLANE, SIGNS, ("<i>", "'\""), None, "")
    text = mt.animate(small(), data, epochs=1, frames=2).page().html()
    assert "<b>" not in text
    assert "<i>" not in text.split("<script")[0]
    assert "&lt;i&gt;" in text
