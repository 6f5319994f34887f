"""Names drawn by rules: one to three syllables, without any list of real names."""

from .grammar import Grammar

# In percent. A name has at most 15 letters, so that a GPT with 16 positions reads it whole. "st", "sh" and "th" have
# two readings within a name: as the start of a syllable, or as the end of one and the start of the next.
NAMES = Grammar(
    patterns={
        "first vowel last": 4,
        "first vowel close open vowel last": 50,
        "first vowel close open vowel close open vowel last": 46,
    },
    pieces={
        "first": {
            "": 14, "b": 4, "br": 1, "c": 4, "ch": 2, "d": 5, "f": 3, "g": 3, "h": 4, "j": 5, "k": 6, "l": 6, "m": 8,
            "n": 5, "p": 3, "qu": 1, "r": 5, "s": 6, "sh": 2, "st": 1, "t": 5, "th": 2, "v": 2, "w": 1, "y": 1, "z": 1,
        },
        "vowel": {"a": 32, "e": 20, "i": 20, "o": 12, "u": 7, "ia": 4, "ei": 3, "au": 2},
        "close": {"": 70, "l": 6, "n": 10, "r": 9, "s": 5},
        "open": {
            "b": 4, "d": 8, "g": 3, "h": 3, "k": 6, "l": 14, "m": 10, "n": 14, "r": 12, "s": 7, "sh": 2, "st": 2,
            "t": 9, "th": 2, "v": 4,
        },
        "last": {"": 51, "d": 3, "k": 2, "l": 6, "m": 2, "n": 18, "r": 6, "s": 8, "t": 2, "x": 2},
    },
)  # fmt: skip
