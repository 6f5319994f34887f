"""Bugs of text: the targets of documents, and the text that a net draws."""

from .bug import Bug

TEXT_BUGS: tuple[Bug, ...] = (
    Bug(
        name="targets_not_shifted",
        title="the target of each token is the token itself instead of the next one",
        kind="text",
        edits={
            "tokenizer.py": (
                (
                    "Tokenizer.encode",
                    "return np.where(tokens[:, 1:] < 0, -1, tokens[:, :-1]), tokens[:, 1:]",
                    "X = np.where(tokens[:, 1:] < 0, -1, tokens[:, :-1])\nreturn X, X.copy()",
                ),
            )
        },
        symptom="The loss falls to 0 and every answer is right, although the least possible loss is 2.11. The drawn "
        "names are empty. The gradient check passes.",
        property="the target of each token is the token after it",
        explanation="The net is asked to repeat its input, which it can do perfectly. When it writes, it repeats its "
        "first token. A loss below the entropy of the language is never a success.",
        hint="What is the loss of a perfect model, and how can a net be better than that?",
    ),
    Bug(
        name="no_end_token",
        title="documents do not end with the token that ends them",
        kind="text",
        edits={
            "tokenizer.py": (
                (
                    "Tokenizer.encode",
                    "[self.end, *self.numbers(document), self.end]",
                    "[self.end, *self.numbers(document)]",
                ),
            )
        },
        symptom="Every drawn name has 16 letters. The loss is 0.1 higher, as the end of a name is easier to predict "
        "than a letter.",
        property="the last target of a document is the token that ends it",
        explanation="Nothing in training tells the net that a name can end, so its probability of the end falls to "
        "almost 0, and it writes until its positions are used up. The loss cannot be compared with that of other "
        "programs, as it leaves out one target of each document.",
        hint="How long are the names that the net draws?",
    ),
    Bug(
        name="no_begin_token",
        title="documents do not begin with the token that begins them",
        kind="text",
        edits={
            "tokenizer.py": (
                (
                    "Tokenizer.encode",
                    "[self.end, *self.numbers(document), self.end]",
                    "[*self.numbers(document), self.end]",
                ),
            )
        },
        symptom="The loss is too low: 1.98 instead of 2.15 with batches of 32, 2.07 instead of 2.22 with batches of "
        "1. The drawn names begin with vowels.",
        property="the first target of a document is its first character",
        explanation="The first character is never a target, and the token from which every drawn name starts is never "
        "an input: its row of the embedding keeps its random start. The loss is lower, because the first character "
        "is the hardest to guess.",
        hint="Which letters do the drawn names begin with, and which do the names of the data begin with?",
    ),
    Bug(
        name="temperature_multiplied",
        title="the logits are multiplied by the temperature instead of divided",
        kind="text",
        edits={"text.py": (("_drawn", "z / temperature", "z * temperature"),)},
        symptom="Not a digit of the curves differs. The names drawn at a temperature of 0.5 are wild, such as "
        "zmiricqul.",
        property="the lower the temperature, the more often the likeliest token is drawn",
        explanation="At a temperature of 1 nothing is wrong. Below 1, the probabilities become more equal instead of "
        "less: somebody who asks for careful text gets wild text, and blames the training.",
        hint="What text do you expect at a temperature near 0, and what do you get?",
    ),
)
