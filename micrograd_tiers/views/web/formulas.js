// Formulas: trees of lists and strings (see step/trees.py), evaluated for one number of the result, and written out
// with names or with numbers. `at` holds the values of index letters and sizes; `at.read(name, places)` returns the
// number of an array: { text, value, link }, or null outside of it.

const FUNCTIONS = {
  "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b, "**": (a, b) => a ** b,
  "//": (a, b) => Math.floor(a / b),
  "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, "==": (a, b) => a === b,
  neg: (a) => -a, and: (...all) => all.every(Boolean), max: Math.max, exp: Math.exp, log: Math.log, tanh: Math.tanh,
  sqrt: Math.sqrt, abs: Math.abs, sign: Math.sign,
};
const OVER = {
  sum: (xs) => xs.reduce((a, b) => a + b, 0), max: (xs) => Math.max(...xs),
  place_of_max: (xs) => xs.indexOf(Math.max(...xs)),
};
const isLoop = (tree) => tree[0] in OVER && Array.isArray(tree[2]) && Array.isArray(tree[2][0]);

// The value of a tree; true and false count as 1 and 0.
function value(tree, at) {
  if (typeof tree === "string") return tree in at ? Number(at[tree]) : (at.read(tree, [])?.value ?? 0);
  if (!Array.isArray(tree)) return Number(tree);
  const [name, ...parts] = tree;
  if (name === "at") return at.read(parts[0], parts.slice(1).map((place) => value(place, at)))?.value ?? 0;
  if (name === "if") return value(value(parts[0], at) ? parts[1] : parts[2], at);
  if (name === "and") return Number(parts.every((part) => value(part, at)));
  if (isLoop(tree)) return OVER[name](rounds(tree, at).map((round) => value(parts[0], round)));
  return Number(FUNCTIONS[name](...parts.map((part) => value(part, at))));
}

// One `at` for each round of the loops of a sum or maximum, with the values of its index letters.
function rounds([, , indices, condition], at) {
  let all = [at];
  for (const [index, size] of indices) {
    const n = value(size, at);
    all = all.flatMap((round) => Array.from({ length: n }, (_, i) => ({ ...round, [index]: i })));
  }
  return condition ? all.filter((round) => value(condition, round)) : all;
}

const RANK = { "+": 1, "-": 1, "*": 2, "/": 2, neg: 2, "**": 3 };
const SIGNS = { "+": " + ", "-": " − ", "*": " · ", "/": " / ", "<": " < ", "<=": " ≤ ", ">": " > ", "==": " = " };
const NOT = { "<": " ≥ ", ">": " ≤ ", "==": " ≠ " };
const NAMES = {
  log: "ln", place_of_max: "place of the largest ", alpha: "α", epsilon: "ε", beta: "β", beta1: "β₁", beta2: "β₂",
};

// The nodes of a tree: with names, or with numbers if `at` can read them. `rank` is that of the operator around it.
function written(tree, at, rank = 0) {
  if (typeof tree === "string") return writtenName(tree, at, rank);
  if (!Array.isArray(tree)) return [numberText(Number(tree))];
  const [name, ...parts] = tree;
  const inside = (part, around = 0) => written(part, at, around);
  const bracketed = (nodes, own) => (own < rank ? ["(", ...nodes, ")"] : nodes);
  if (name === "at") return writtenNumber(parts, at, rank);
  if (isLoop(tree)) return bracketed(at.read ? writtenTerms(tree, at) : writtenLoop(tree, at), 1.5);
  if (name === "if") return bracketed(writtenChoice(parts, at), 0.5);
  if (name === "and") return parts.flatMap((part, i) => [...(i ? [" and "] : []), ...inside(part)]);
  if (name === "exp") return ["e", h("sup", {}, ...inside(parts[0]))];
  if (name === "**") return [...inside(parts[0], 3.5), h("sup", {}, ...inside(parts[1]))];
  if (name === "neg") return bracketed(["−", ...inside(parts[0], 2)], 2);
  if (name === "abs") return ["|", ...inside(parts[0]), "|"];
  if (name === "//") return ["⌊", ...inside(parts[0], 2), " / ", ...inside(parts[1], 2.1), "⌋"];
  if (name === "sqrt") return ["√(", ...inside(parts[0]), ")"];
  if (name in SIGNS) {
    const own = RANK[name] ?? 0.5;
    return bracketed([...inside(parts[0], own), SIGNS[name], ...inside(parts[1], own + 0.1)], own);
  }
  return [`${NAMES[name] ?? name}(`, ...parts.flatMap((part, i) => [...(i ? [", "] : []), ...inside(part)]), ")"];
}

function writtenName(name, at, rank) {
  if (!at.read) return [NAMES[name] ?? name];
  return name in at ? [signed(numberText(Number(at[name])), rank)] : writtenNumber([name], at, rank);
}

function writtenNumber([name, ...places], at, rank) {
  if (at.read) {
    const found = at.read(name, places.map((place) => value(place, at)));
    return [found ? found.link(signed(found.text, rank)) : "0"];
  }
  const comma = places.some(Array.isArray) ? ", " : ",";
  const letters = places.flatMap((place, i) => [i ? comma : "", ...written(place, at)]);
  return [name, ...(letters.length ? [h("sub", {}, ...letters)] : [])];
}

// A negative number after an operator is in brackets.
const minus = (text) => text.replaceAll("-", "−");
const signed = (text, rank) => (rank > 1 && text.startsWith("-") ? `(${minus(text)})` : minus(text));

function writtenLoop([name, body, indices, condition], at) {
  const letters = h("sub", {}, indices.map(([index]) => index).join(","));
  const where = condition ? [" where ", ...written(condition, at)] : [];
  const what = name === "sum" ? "Σ" : NAMES[name] ?? name;
  return [what, letters, " ", ...written(body, at, 2), ...where];
}

function writtenChoice([condition, yes, no], at) {
  if (!at.read) return [...written(yes, at), " if ", ...written(condition, at), ", else ", ...written(no, at)];
  const holds = value(condition, at), [sign, a, b] = condition, taken = written(holds ? yes : no, at, 2);
  if (!(sign in NOT)) return taken;
  return [...taken, h("small", {}, " (as ", ...written(a, at), (holds ? SIGNS : NOT)[sign], ...written(b, at), ")")];
}

// The terms of a sum or maximum with their numbers. Of many, the first and the largest, and the rest as one number.
function writtenTerms(tree, at) {
  const [name, body] = tree, all = rounds(tree, at), sign = name === "sum" ? " + " : ", ";
  if (!all.length) return ["0"];
  const term = (round) => written(body, round, name === "sum" ? 1.1 : 0);
  const join = (terms) => terms.flatMap((nodes, i) => [...(i ? [sign] : []), ...nodes]);
  const around = (nodes) => (name === "sum" ? nodes : [`${NAMES[name] ?? name}(`, ...nodes, ")"]);
  if (all.length <= 9) return around(join(all.map(term)));
  const values = all.map((round) => value(body, round));
  const bySize = values.map((_, i) => i).slice(1).sort((i, j) => Math.abs(values[j]) - Math.abs(values[i]));
  const kept = [0, ...bySize.slice(0, 4)].sort((i, j) => i - j);
  const rest = values.filter((_, i) => !kept.includes(i));
  const together = `${all.length - kept.length} more terms, together ${numberText(OVER[name](rest))}`;
  return around([...join(kept.map((i) => term(all[i]))), sign, h("em", {}, minus(together))]);
}
