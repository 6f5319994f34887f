"""Tables of pandas and matrices of SciPy as samples and targets: taken, or refused with a call that helps."""

import re
import sys
import warnings

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.datasets import Standardizer, train_validation_split

pd = pytest.importorskip("pandas")

rng = np.random.default_rng(0)
N = 12
FEATURES, LABELS = rng.standard_normal((N, 4)), np.arange(N) % 3
YES = LABELS > 0
NAMES, WORDS = np.array(["cat", "dog", "eel"])[LABELS], np.where(LABELS > 0, "yes", "no")
TABLE = pd.DataFrame(FEATURES, columns=[*"abcd"])
DAYS = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(N), unit="D")
UNIQUE = "np.unique(y, return_inverse=True)[1]"
KEEP = "keep = pd.notna(y); X, y = np.asarray(X)[keep], np.asarray(y)[keep]"


def net(n_inputs=4, n_outputs=3, **options):
    return mt.mlp([n_inputs, 3, n_outputs], "tanh", seed=1, **options)


def trained(model, X, y):
    return mt.fit(model, X, y, batch_size=5, epochs=2).batch_loss


ALIKE = {
    "a table": (TABLE, LABELS, FEATURES),
    "another index": (TABLE.set_index(np.arange(50, 50 + N)), pd.Series(LABELS, np.arange(N)[::-1]), FEATURES),
    "bool beside float": (TABLE.assign(a=LABELS > 0), LABELS, None),
    "nullable bool beside float": (TABLE.assign(a=pd.array(LABELS > 0, dtype="boolean")), LABELS, None),
    "nullable integers beside float": (TABLE.assign(a=pd.array(LABELS, dtype="Int64")), LABELS, None),
    "nullable floats": (TABLE.astype("Float64"), LABELS, FEATURES),
    "objects": (TABLE.astype(object), LABELS, FEATURES),
    "integer categories": (TABLE.assign(a=pd.Categorical(LABELS)), LABELS, None),
    "dummies": (pd.get_dummies(TABLE[["a", "b"]].assign(c=WORDS)), LABELS, None),
    "sparse columns": (TABLE.astype(pd.SparseDtype(float)), LABELS, FEATURES),
    "a series of labels": (FEATURES, pd.Series(LABELS), FEATURES),
    "nullable labels": (FEATURES, pd.Series(LABELS, dtype="Int64"), FEATURES),
    "labels as categories": (FEATURES, pd.Series(LABELS).astype("category"), FEATURES),
    "a table of labels": (FEATURES, pd.DataFrame({"y": LABELS}), FEATURES),
}


@pytest.mark.parametrize(("X", "y", "plain"), ALIKE.values(), ids=ALIKE)
def test_numbers_in_tables_are_taken(X, y, plain):
    plain = X.to_numpy().astype(float) if plain is None else plain
    assert trained(net(), X, y) == trained(net(), plain, LABELS)
    np.testing.assert_array_equal(net().predict(X), net().predict(plain))
    np.testing.assert_array_equal(Standardizer.fit(X)(X), Standardizer.fit(plain)(plain))
    train_x, train_y, validation_x, validation_y = train_validation_split(X, y, 4)
    mt.fit(net(), train_x, train_y, validation=(validation_x, validation_y))


def test_values_in_tables_are_taken():
    values = pd.Series(FEATURES[:, 0])
    columns = (values, values.astype("Float64"), FEATURES[:, :1])
    losses = [trained(net(4, 1, loss="mean_squared_error"), TABLE, y) for y in columns]
    assert losses[0] == losses[1] == losses[2]
    assert mt.evaluate(net(), TABLE, LABELS, pd.Series(np.ones(N))) == mt.evaluate(net(), FEATURES, LABELS)


# The number of features, and the call that helps.
SAMPLES = {
    "text": (6, TABLE[[*"abc"]].assign(d=WORDS, e=1), "pd.get_dummies(X)"),
    "categories": (5, TABLE.assign(d=pd.Categorical(WORDS)), "pd.get_dummies(X)"),
    "text as an array": (5, TABLE.assign(d=WORDS).to_numpy(), "pd.get_dummies(pd.DataFrame(X).infer_objects())"),
    "numbers as text": (4, TABLE.assign(d=LABELS.astype(str)), "np.asarray(X, float)"),
    "dates": (4, TABLE.assign(d=DAYS), "X.apply(pd.to_numeric)"),
    "dates with a time zone": (4, TABLE.assign(d=DAYS.tz_localize("UTC")), "X.apply(pd.to_numeric)"),
    "durations": (4, TABLE.assign(d=DAYS - DAYS[0]), "X.apply(pd.to_numeric)"),
    "only dates": (1, pd.DataFrame({"a": DAYS}), "np.asarray(X, 'datetime64[s]').astype(float)"),
    "missing integers": (4, TABLE.assign(d=pd.array([None, *LABELS[1:]], dtype="Int64")), None),
    "missing bools": (4, TABLE.assign(d=pd.array([None, *YES[1:]], dtype="boolean")), "X.astype('Float64').fillna(0)"),
    "missing text": (5, TABLE.assign(d=[None, *WORDS[1:]]), "pd.get_dummies(X)"),
    "missing floats": (4, TABLE.assign(d=[np.nan, *FEATURES[1:, 3]]), None),
    "a column": (1, TABLE["a"], "np.asarray(X).reshape(-1, 1)"),
    "a series of arrays": (4, pd.Series([*FEATURES]), "np.stack(np.ravel(X))"),
    "a table of arrays": (4, pd.DataFrame({"a": [*FEATURES]}), "np.stack(np.ravel(X))"),
}  # fmt: skip
TARGETS = {
    "names": (pd.Series(NAMES), UNIQUE),
    "categories": (pd.Series(NAMES, dtype="category"), UNIQUE),
    "a Categorical": (pd.Categorical(NAMES), UNIQUE),
    "names in a table": (pd.DataFrame({"y": NAMES}), UNIQUE),
    "categories with gaps": (pd.Series([[3, 5, 9][label] for label in LABELS], dtype="category"), UNIQUE),
    "missing integers": (pd.Series([None, *LABELS[1:]], dtype="Int64"), None),
    "missing bools": (pd.Series([None, *YES[1:]], dtype="boolean"), KEEP),
    "missing among objects": (pd.Series([None, *LABELS[1:]], dtype=object), None),
}


def train_as_advised(n_inputs, X, y, name, call):
    """Assert that `fit` refuses the argument of this name with advice, that it is this call, and that it helps."""
    names = {"np": np, "pd": pd, "mt": mt, "X": X, "y": y}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(mt.DataError) as caught:
            trained(net(n_inputs), X, y)
        assert "\n" not in str(caught.value)
        (advised,) = re.findall(r"; try (.*)$", str(caught.value))
        assert call in (None, advised)
        exec(advised if advised.startswith("keep = ") else f"{name} = {advised}", names)
        trained(net(n_inputs), names["X"], names["y"])


@pytest.mark.parametrize(("n_inputs", "X", "call"), SAMPLES.values(), ids=SAMPLES)
def test_columns_that_are_no_numbers_are_refused_with_the_call_that_helps(n_inputs, X, call):
    train_as_advised(n_inputs, X, LABELS, "X", call)


@pytest.mark.parametrize(("y", "call"), TARGETS.values(), ids=TARGETS)
def test_targets_that_are_no_numbers_are_refused_with_the_call_that_helps(y, call):
    train_as_advised(4, FEATURES, y, "y", call)


def test_missing_names_are_left_out_first_then_numbered():
    with pytest.raises(mt.DataError, match=r"y has 1 missing value") as caught:
        trained(net(), TABLE, pd.Series([None, *NAMES[1:]]))
    assert str(caught.value).endswith(f"; try {KEEP}")


@pytest.mark.parametrize("kind", ["csr_array", "csr_matrix", "csc_array", "coo_array", "lil_array", "dok_array"])
def test_sparse_samples_are_refused_with_the_call_that_helps(kind):
    sparse = pytest.importorskip("scipy.sparse")
    train_as_advised(4, getattr(sparse, kind)(FEATURES), LABELS, "X", "X.toarray()")
    train_as_advised(4, FEATURES, getattr(sparse, kind)(np.eye(3)[LABELS]), "y", "y.toarray()")


def test_a_list_of_sparse_rows_is_refused_with_the_call_that_helps():
    sparse = pytest.importorskip("scipy.sparse")
    rows = [sparse.csr_array(row[None]) for row in FEATURES]
    train_as_advised(4, rows, LABELS, "X", "np.vstack([row.toarray() for row in X])")


def test_pandas_is_not_imported_for_advice(monkeypatch):
    monkeypatch.delitem(sys.modules, "pandas")
    with pytest.raises(mt.DataError, match=r"y has 1 missing value.* try keep = \[label is not None for label in y\]"):
        trained(net(), FEATURES, [None, *LABELS[1:]])
    assert "pandas" not in sys.modules
