"""Words drawn by rules, and the floor under the loss of any model of them: all words listed, drawn, and learned."""

import copy
import math
import pickle
from collections import defaultdict
from fractions import Fraction
from itertools import product
from string import ascii_lowercase

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers.datasets import Grammar, PerfectModel
from micrograd_tiers.datasets.names import NAMES

KINDS = ("document", "token")
# "kasta" is kas-ta or ka-sta.
SMALL = Grammar(
    {"start vowel last": 1, "start vowel close open vowel last": 3},
    {
        "start": {"": 1, "k": 3},
        "vowel": {"a": 3, "i": 1},
        "close": {"": 2, "s": 1},
        "open": {"t": 2, "st": 1, "s": 1},
        "last": {"": 2, "n": 1},
    },
)
tables = st.dictionaries(st.text("ab", max_size=2), st.integers(1, 4), min_size=1, max_size=3)


@st.composite
def grammars(draw):
    """Return rules of two letters, in which most words have several readings."""
    slots = st.lists(st.sampled_from("xyz"), min_size=1, max_size=3).map(" ".join)
    patterns = draw(st.dictionaries(slots, st.integers(1, 4), min_size=1, max_size=3))
    grammar = Grammar(patterns, {slot: draw(tables) for slot in "xyz"})
    assume(any(piece for table in grammar.pieces.values() for piece in table))
    return grammar


def words_of(grammar):
    """Return every word with its probability: the sum over all its readings."""
    found, n_patterns = defaultdict(Fraction), sum(grammar.patterns.values())
    for pattern, weight in grammar.patterns.items():
        tables = [grammar.pieces[slot] for slot in pattern.split()]
        for pieces in product(*tables):
            shares = (Fraction(table[piece], sum(table.values())) for table, piece in zip(tables, pieces, strict=True))
            found["".join(pieces)] += math.prod(shares, start=Fraction(weight, n_patterns))
    assert sum(found.values()) == 1
    return found


def best_probabilities(words, kind):
    """Return the probability of each word for the best model: as drawn, or as drawn and divided by its targets."""
    tilted = {word: float(p) / (len(word) + 1 if kind == "document" else 1) for word, p in words.items()}
    return {word: p / sum(tilted.values()) for word, p in tilted.items()}


def expected_loss(words, surprise, kind):
    """Return the expected loss of a model, from the sum of the losses of all targets of each word."""
    targets = {word: 1 if kind == "document" else len(word) + 1 for word in words}
    sums = {word: surprise(word) / (len(word) + 1 if kind == "document" else 1) for word in words}
    return sum(float(p) * sums[word] for word, p in words.items()) / sum(float(words[w]) * targets[w] for w in words)


def surprise_of(perfect):
    """Return the sum of the losses of a word's targets, read from the table of probabilities."""
    column = {one: k for k, one in enumerate([*perfect.grammar.tokenizer.characters, ""])}

    def surprise(word):
        return -sum(
            math.log(row[column[one]]) for row, one in zip(perfect.probabilities(word), [*word, ""], strict=True)
        )

    return surprise


# The floor, by listing all words.


@examples(40)
@given(grammar=grammars(), kind=st.sampled_from(KINDS))
def test_the_floor_is_that_of_the_list_of_all_words(grammar, kind):
    words, perfect = words_of(grammar), PerfectModel(grammar, kind)
    best = best_probabilities(words, kind)
    assert perfect.floor == pytest.approx(expected_loss(words, lambda word: -math.log(best[word]), kind), abs=1e-12)
    assert grammar.mean_length == pytest.approx(float(sum(p * len(word) for word, p in words.items())))
    assert len(grammar.reached) == 1 + max(map(len, words))
    for word in words:
        assert perfect.loss([word]) * (len(word) + 1) == pytest.approx(-math.log(best[word]), abs=1e-12)


@examples(40)
@given(grammar=grammars(), kind=st.sampled_from(KINDS))
def test_predictions_weigh_all_readings_of_the_letters_so_far(grammar, kind):
    words, perfect = words_of(grammar), PerfectModel(grammar, kind)
    best = best_probabilities(words, kind)
    letters = [*grammar.tokenizer.characters, ""]
    for word in words:
        rows = perfect.probabilities(word)
        assert rows.shape == (len(word) + 1, grammar.tokenizer.n_tokens)
        for t, row in enumerate(rows):
            going_on = {other: p for other, p in best.items() if other.startswith(word[:t])}
            shares = [sum(p for other, p in going_on.items() if other[t : t + 1] == one) for one in letters]
            np.testing.assert_allclose(row, np.array(shares) / sum(going_on.values()), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_other_predictions_lose_more(kind):
    words, perfect = words_of(SMALL), PerfectModel(SMALL, kind)
    assert expected_loss(words, surprise_of(perfect), kind) == pytest.approx(perfect.floor, abs=1e-12)
    other = PerfectModel(SMALL, "token" if kind == "document" else "document")
    assert expected_loss(words, surprise_of(other), kind) > perfect.floor + 1e-3
    rng = np.random.default_rng(0)
    for _ in range(20):
        noise = defaultdict(lambda: rng.uniform(0.9, 1.1, SMALL.tokenizer.n_tokens))  # one factor after each beginning

        def surprise(word, noise=noise):
            total = 0.0
            tokens = [*SMALL.tokenizer.numbers(word), SMALL.tokenizer.end]
            for t, (row, token) in enumerate(zip(perfect.probabilities(word), tokens, strict=True)):
                changed = row * noise[word[:t]]
                total -= math.log(changed[token] / changed.sum())
            return total

        assert expected_loss(words, surprise, kind) > perfect.floor


@pytest.mark.parametrize("kind", KINDS)
def test_a_gpt_that_sees_all_words_comes_down_to_the_floor_and_stays_above(kind):
    words = words_of(SMALL)
    X, y = SMALL.tokenizer.encode(words)
    weights = np.array([*map(float, words.values())]) * (1 if kind == "document" else (y >= 0).sum(axis=1))
    net = mt.gpt(SMALL.tokenizer.n_tokens, features=8, heads=2, length=X.shape[1])
    history = mt.fit(
        net, X, y, optimizer=mt.Adam(0.03), schedule="linear", batch_size=len(X), steps=100, sample_weight=weights
    )
    losses, floor = np.array(history.batch_loss), PerfectModel(SMALL, kind).floor  # these are the expected losses
    assert (losses > floor).all()
    assert losses[-1] < floor + 0.005


# The names.


def test_the_names_are_such_as_a_small_gpt_can_read():
    assert NAMES.mean_length == pytest.approx(6, abs=0.5)
    assert len(NAMES.reached) == 16  # at most 15 letters
    assert NAMES.tokenizer.characters == tuple(ascii_lowercase)
    assert all(sum(table.values()) == 100 for table in (NAMES.patterns, *NAMES.pieces.values()))
    assert len(NAMES.automaton) < 100


@pytest.mark.parametrize("seed", [0, 1])
def test_most_of_32_000_names_are_different(seed):
    names = NAMES.draw(32_000, rng=np.random.default_rng(seed))
    assert len({*names}) > 0.85 * len(names)
    assert np.mean([*map(len, names)]) == pytest.approx(NAMES.mean_length, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_of_the_perfect_model_on_drawn_names_is_the_floor(kind):
    perfect = PerfectModel(NAMES, kind)
    names = NAMES.draw(10_000, rng=np.random.default_rng(0))
    losses = np.array([perfect.loss([name]) for name in names])
    weights = np.array([1 if kind == "document" else len(name) + 1 for name in names])
    mean = np.average(losses, weights=weights)
    error = np.sqrt(np.mean((weights * (losses - mean)) ** 2) / len(names)) / weights.mean()
    assert abs(mean - perfect.floor) < 4 * error < 0.02
    assert perfect.loss(names) == pytest.approx(mean)


def test_a_word_has_the_probability_of_its_readings():
    kasta = sum(
        float(Fraction(n, 100**6 * 100))
        for n in (
            50 * 6 * 32 * 5 * 9 * 32 * 51 * 1,  # ka-s-ta
            50 * 6 * 32 * 70 * 2 * 32 * 51 * 1,  # ka-sta
        )
    )
    assert PerfectModel(NAMES, "token").loss(["kasta"]) == pytest.approx(-math.log(kasta) / 6)


def test_a_longer_list_begins_with_the_shorter_one():
    short, long = (NAMES.draw(n, rng=np.random.default_rng(3)) for n in (5, 50))
    assert long[:5] == short


# Errors and copies.

PERFECT = PerfectModel(SMALL)
BAD = {
    "an unknown letter": (lambda: PERFECT.probabilities("kx"), "after 'k', expected one of a, i"),
    "a longer word": (lambda: PERFECT.loss(["kan", "kanan"]), "do not draw 'kanan': after 'kan', expected the end"),
    "half a word": (lambda: PERFECT.loss(["k"]), "holds 'k', expected whole words"),
    "no word": (lambda: PERFECT.loss([]), "documents is empty"),
    "a text": (lambda: PERFECT.loss("kan"), "expected a list of texts"),
    "a kind": (lambda: PerfectModel(SMALL, "letter"), "unknown mean 'letter': expected one of document, token"),
    "none": (lambda: SMALL.draw(0, rng=np.random.default_rng(0)), "n is 0, expected"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_words_are_named(name):
    call, message = BAD[name]
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call()
    assert message in str(caught.value)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_model_can_be_copied_after_use(duplicate):
    PERFECT.loss(["kan"])
    assert duplicate(PERFECT).floor == PERFECT.floor
