"""The formulas of the ops of documents and of residual connections, in the form of `formulas.OPS`.

Letters: n for the document, t and s for positions, c, i, j and k for features, v for a token, h for a head.
"""

Formulas = dict[str, tuple[dict[str, str], tuple[tuple[str, str], ...]]]

ROOT_MEAN_SQUARE = "sqrt(sum(x[n, t, k] ** 2 for k in range(C)) / C + epsilon)"
MEAN = "sum(x[n, t, k] for k in range(C)) / C"
VARIANCE = f"(sum(x[n, t, k] ** 2 for k in range(C)) / C - ({MEAN}) ** 2 + epsilon)"  # with epsilon
DZ_ALONG = f"sum(dy[n, t, k] * weight[k] * (x[n, t, k] - {MEAN.replace('k', 'm')}) for k in range(C)) / C"
COUNT = "max(1, sum(1 for s in range(T) if 0 <= target[n, s]))"
LOG_SUM_AT = "log(sum(exp(logits[n, t, k]) for k in range(V)))"

DOCUMENTS: Formulas = {
    "squared_relu": ({}, (("y[...]", "max(x[...], 0) ** 2"), ("dx[...]", "dy[...] * 2 * max(x[...], 0)"))),
    "embedding": (
        {"tokens": "N T", "weight": "V C", "y": "N T C"},
        (
            ("y[n, t, c]", "weight[tokens[n, t], c]"),
            ("dweight[v, c]", "sum(dy[n, t, c] for n in range(N) for t in range(T) if tokens[n, t] == v)"),
        ),
    ),
    "add_position": (
        {"x": "N T C"},
        (
            ("y[n, t, c]", "x[n, t, c] + weight[t, c]"),
            ("dx[...]", "dy[...]"),
            ("dweight[t, c]", "sum(dy[n, t, c] for n in range(N))"),
        ),
    ),
    "rms_norm": (
        {"x": "N T C"},
        (
            ("y[n, t, c]", f"x[n, t, c] / {ROOT_MEAN_SQUARE}"),
            (
                "dx[n, t, c]",
                "(dy[n, t, c] - y[n, t, c] * sum(dy[n, t, k] * y[n, t, k] for k in range(C)) / C) "
                f"/ {ROOT_MEAN_SQUARE}",
            ),
        ),
    ),
    "layer_norm": (
        {"x": "N T C"},
        (
            ("y[n, t, c]", f"weight[c] * (x[n, t, c] - {MEAN}) / sqrt{VARIANCE} + bias[c]"),
            (
                "dx[n, t, c]",
                "(dy[n, t, c] * weight[c] - sum(dy[n, t, k] * weight[k] for k in range(C)) / C "
                f"- (x[n, t, c] - {MEAN}) * {DZ_ALONG} / {VARIANCE}) / sqrt{VARIANCE}",
            ),
            (
                "dweight[c]",
                f"sum(dy[n, t, c] * (x[n, t, c] - {MEAN}) / sqrt{VARIANCE} for n in range(N) for t in range(T))",
            ),
            ("dbias[c]", "sum(dy[n, t, c] for n in range(N) for t in range(T))"),
        ),
    ),
    "attention": (
        {"score": "N H T S", "y": "N T C"},
        (
            (
                "score[n, h, t, s]",
                "sum(x[n, t, h * D + i] * x[n, s, C + h * D + i] for i in range(D)) / sqrt(D) if s <= t else 0",
            ),
            (
                "p[n, h, t, s]",
                "exp(score[n, h, t, s]) / sum(exp(score[n, h, t, r]) for r in range(T) if r <= t) if s <= t else 0",
            ),
            ("y[n, t, c]", "sum(p[n, c // D, t, s] * x[n, s, 2 * C + c] for s in range(T) if s <= t)"),
            (
                "dscore[n, h, t, s]",
                "p[n, h, t, s] * sum(dy[n, t, h * D + i] * (x[n, s, 2 * C + h * D + i] - y[n, t, h * D + i]) "
                "for i in range(D))",
            ),
            (
                "dx[n, t, j]",
                "sum(dscore[n, j // D, t, s] * x[n, s, C + j] for s in range(T) if s <= t) / sqrt(D) if j < C else "
                "sum(dscore[n, (j - C) // D, s, t] * x[n, s, j - C] for s in range(T) if t <= s) / sqrt(D) "
                "if j < 2 * C else sum(p[n, (j - 2 * C) // D, s, t] * dy[n, s, j - 2 * C] for s in range(T) if t <= s)",
            ),
        ),
    ),
    "project": (
        {"x": "N T I", "weight": "O I", "y": "N T O"},
        (
            ("y[n, t, o]", "sum(weight[o, i] * x[n, t, i] for i in range(I))"),
            ("dx[n, t, i]", "sum(weight[o, i] * dy[n, t, o] for o in range(O))"),
            ("dweight[o, i]", "sum(dy[n, t, o] * x[n, t, i] for n in range(N) for t in range(T))"),
        ),
    ),
    "fork": ({}, (("copy[...]", "x[...]"), ("y[...]", "x[...]"), ("dx[...]", "dy[...] + dcopy[...]"))),
    "join": ({}, (("y[...]", "x[...] + copy[...]"), ("dcopy[...]", "dy[...]"), ("dx[...]", "dy[...]"))),
    "next_token_loss": (
        {"logits": "N T V"},
        (
            (
                "loss",
                f"sum({LOG_SUM_AT} - logits[n, t, target[n, t]] for t in range(T) if 0 <= target[n, t]) / {COUNT}",
            ),
            (
                "dlogits[n, t, v]",
                "((exp(logits[n, t, v]) / sum(exp(logits[n, t, k]) for k in range(V)) "
                f"- (1 if v == target[n, t] else 0)) / {COUNT} if 0 <= target[n, t] else 0)",
            ),
        ),
    ),
}
