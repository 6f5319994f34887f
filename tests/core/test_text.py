"""Token numbers of text, and text drawn from a net."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers.tiers import TIERS

LETTERS = mt.Tokenizer("abc")
NAMES = ["ab", "abc", "cab", "b", "abab"]

documents_of_letters = st.lists(st.text("abc", max_size=6), min_size=1, max_size=5)


@examples(40)
@given(documents=documents_of_letters)
def test_samples_and_targets_are_the_tokens_and_the_next_ones(documents):
    X, y = LETTERS.encode(documents)
    assert X.shape == y.shape == (len(documents), 1 + max(map(len, documents)))
    for document, tokens, following in zip(documents, X.tolist(), y.tolist(), strict=True):
        n = 1 + len(document)
        assert tokens[n:] == following[n:] == [-1] * (X.shape[1] - n)
        assert tokens[:n] == [LETTERS.end, *map("abc".index, document)]
        assert following[:n] == [*tokens[1:n], LETTERS.end]
        assert LETTERS.decode(tokens) == LETTERS.decode(following) == document


@examples(20)
@given(documents=documents_of_letters, length=st.integers(1, 7))
def test_what_is_longer_than_the_net_reads_is_cut_off(documents, length):
    X, y = LETTERS.encode(documents)
    shorter = LETTERS.encode(documents, length)
    assert all(np.array_equal(short, whole[:, :length]) for short, whole in zip(shorter, (X, y), strict=True))


def test_the_characters_of_the_documents_get_numbers_in_alphabetical_order():
    tokenizer = mt.Tokenizer.fit(["zoë", "ab"])
    assert tokenizer.characters == ("a", "b", "o", "z", "ë")
    assert (tokenizer.end, tokenizer.n_tokens) == (5, 6)


BAD = {
    "a text": (lambda: LETTERS.encode("abc"), "expected a list of texts"),
    "a number": (lambda: LETTERS.encode(["ab", 3]), "documents holds 3, expected texts"),
    "nothing": (lambda: LETTERS.encode([]), "documents is empty"),
    "an unknown character": (lambda: LETTERS.encode(["abz"]), "holds 'z', expected characters of 'abc'"),
    "no character": (lambda: mt.Tokenizer.fit(["", ""]), "hold no character"),
    "two at a time": (lambda: mt.Tokenizer(("ab",)), "expected single characters"),
    "twice": (lambda: mt.Tokenizer("aa"), "a character occurs twice"),
    "length": (lambda: LETTERS.encode(NAMES, 0), "length is 0, expected"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_text_is_named(name):
    call, message = BAD[name]
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call()
    assert message in str(caught.value)


@pytest.fixture(scope="module")
def net():
    net = mt.gpt(n_tokens=4, features=8, heads=2, length=5, seed=1)
    mt.fit(net, *LETTERS.encode(NAMES), optimizer=mt.Adam(0.01), batch_size=5, steps=60)
    return net


def test_a_net_draws_documents_like_those_it_has_seen(net):
    drawn = mt.generate(net, LETTERS, 100, temperature=0.3)
    assert sum(name in NAMES for name in drawn) > 70
    assert drawn == mt.generate(net, LETTERS, 100, temperature=0.3, seed=np.random.default_rng(0))
    assert drawn != mt.generate(net, LETTERS, 100, temperature=0.3, seed=1)


@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_draws_the_same_documents(net, tier):
    expected = mt.generate(net.to("tensor", exact=True), LETTERS, 10, seed=random.Random(7))
    assert mt.generate(net.to(tier, exact=True), LETTERS, 10, seed=random.Random(7)) == expected


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_have_the_probabilities_of_the_logits_divided_by_the_temperature(net, temperature):
    p = net.predict_proba([[LETTERS.end]])[0, 0] ** (1 / temperature)
    first = [name[:1] for name in mt.generate(net, LETTERS, 1000, temperature=temperature)]
    shares = np.array([first.count(token) for token in [*"abc", ""]]) / 1000
    assert np.abs(shares - p / p.sum()).max() < 4 * np.sqrt(0.25 / 1000)


def test_documents_begin_with_the_prompt_and_end_with_the_positions(net):
    assert all(name.startswith("ca") for name in mt.generate(net, LETTERS, 5, prompt="ca"))
    hot = mt.generate(net, LETTERS, 50, temperature=1e6)
    assert max(map(len, hot)) == 5
    assert mt.generate(net, LETTERS, 0) == []


def test_a_net_that_has_diverged_draws_nothing(net):
    wrong = net.to("vector")
    wrong.load_state_dict({name: np.full_like(w, np.nan) for name, w in net.state_dict().items()})
    with pytest.raises(ValueError, match="its outputs are not finite"):
        mt.generate(wrong, LETTERS, 1)


REFUSED = {
    "a net of rows": (lambda net: mt.generate(mt.mlp([2, 2]), LETTERS), "expected a net that predicts tokens"),
    "another tokenizer": (lambda net: mt.generate(net, mt.Tokenizer("ab")), "takes 4 tokens, the tokenizer has 3"),
    "cold": (lambda net: mt.generate(net, LETTERS, temperature=0), "temperature is 0"),
    "a long prompt": (
        lambda net: mt.generate(net, LETTERS, prompt="abcab"),
        "prompt has 5 characters, expected at most 4",
    ),
    "an unknown prompt": (lambda net: mt.generate(net, LETTERS, prompt="x"), "'x' holds 'x'"),
    "a negative number": (lambda net: mt.generate(net, LETTERS, -1), "n is -1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_requests_are_named(net, name):
    call, message = REFUSED[name]
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call(net)
    assert message in str(caught.value)
