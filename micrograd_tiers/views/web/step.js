// One training step, number by number. The page shows step `now`; the reader has chosen number `place` of `array`.

const { tiers, arrays, steps, sources, first } = data;
const MOST_IN_TABLE = 12; // rows and columns; larger arrays are drawn as colors
let now = 0, tier = first ? first[1] : data.reference, chosen = null, cursors = {};

// Numbers of arrays.

const numbersOf = tiers.map(() => []); // [tier][array], filled on first use
function numbers(array, t = tier) {
  return (numbersOf[t][array] ??= (() => {
    const other = arrays[array].others[t];
    if (Array.isArray(other)) return other.map(Number);
    return Object.assign(arrays[array].numbers.map(Number), Object.fromEntries(
      Object.entries(other ?? {}).map(([place, x]) => [place, Number(x)])));
  })());
}
const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);
function indices(place, shape) {
  const found = [];
  for (const size of [...shape].reverse()) {
    found.unshift(place % size);
    place = Math.floor(place / size);
  }
  return found;
}
function placeOf(found, shape) {
  if (found.some((index, axis) => index < 0 || index >= shape[axis])) return null;
  return found.reduce((place, index, axis) => place * shape[axis] + index, 0);
}
const nameOf = (array, place) => {
  const { label, shape } = arrays[array];
  return shape.length ? `${label} [${indices(place, shape).join(", ")}]` : label;
};
const shown = (array, place) => numberText(numbers(array)[place]).replace(/^-/, "−");

// Places: "#7" is step 7, "#7-3-5" number 5 of array 3 in step 7. The browser's back button returns to the last one.

const address = (step, array, place) => `#${step + 1}${array === undefined ? "" : `-${array}-${place}`}`;
function link(text, step, array, place, attributes = {}) {
  const href = address(step, array, place);
  const open = (event) => {
    event.preventDefault();
    visit(href);
  };
  return h("a", { href, onclick: open, ...attributes }, text);
}
// A number that leads to the step that made it.
function numberLink(array, place, text = shown(array, place)) {
  return link(text, arrays[array].made?.[0] ?? now, array, place, { title: nameOf(array, place), class: "number" });
}
function visit(hash) {
  try {
    history.pushState(null, "", hash);
  } catch { /* in a notebook, a page has no address */ }
  open(hash);
}
function open(hash) {
  const [step, array, place] = hash.slice(1).split("-").map(Number);
  chosen = arrays[array]?.numbers.length > place ? [array, place] : null;
  jump(steps[step - 1] ? step - 1 : 0);
}
function choose(array, place) {
  visit(address(now, array, place));
}

// The formula of a number, with numbers.

// Return the values of a formula's letters for one number of its result. `used` collects the numbers that it reads.
function context(step, [left], array, place, used = []) {
  const names = { ...step.in, ...step.out }, at = { ...step.sizes };
  const own = indices(place, arrays[array].shape);
  if (Array.isArray(left)) left.slice(2).forEach((letter, axis) => { at[letter] = own[axis]; });
  const elementwise = Array.isArray(left) && left.length === 2;
  at.read = (name, found) => {
    const source = names[name], { shape } = arrays[source];
    const p = found.length ? placeOf(found, shape) : elementwise && shape.length ? place : 0;
    if (p === null) return null;
    used.push([source, p]);
    return { text: numberText(numbers(source)[p]), value: numbers(source)[p], link: (text) => numberLink(source, p, text) };
  };
  return at;
}

// Where a number comes from, what it is used for, and which gradient comes back to it.
function explanation(array, place) {
  const { made, used, gradient, of } = arrays[array], lines = [], read = [];
  const line = (term, ...nodes) => lines.push(h("dt", {}, term), h("dd", {}, ...nodes));
  const stepLink = (i) => link(`step ${i + 1}, ${steps[i].title}`, i);
  const formula = made && steps[made[0]].formulas.find(([left]) => (Array.isArray(left) ? left[1] : left) === made[1]);
  if (formula) {
    const [left, right] = formula, step = steps[made[0]];
    const at = context(step, formula, array, place, read), result = value(right, at);
    line("made from", h("span", { class: "formula" }, ...written(right, at), " = ", h("b", {}, shown(array, place))));
    if (Math.abs(result - numbers(array)[place]) > 2e-4 * Math.max(Math.abs(result), ...largestOf(array))) {
      line("but", h("strong", {}, `The formula gives ${numberText(result)}; ${tiers[tier].name} has ${shown(array, place)}.`));
    }
    read.length = 0;
    value(right, context(step, formula, array, place, read));
  }
  if (!made) line("made", "It is given: the step begins with it.");
  else if (made[0] !== now) line("made in", stepLink(made[0]));
  if (of !== null) line("gradient of", numberLink(of, place), ` = ${nameOf(of, place)}`);
  if (gradient !== null) {
    line("its gradient", "dL/d(this number) = ", numberLink(gradient, place),
      ": if this number grows a little, L changes by so many times as much.");
  }
  const later = used.filter((i) => i !== now && (!made || i > made[0]));
  if (later.length) line("used in", ...later.flatMap((i, k) => [...(k ? ["; "] : []), stepLink(i)]));
  const head = h("h3", { "aria-live": "polite" }, `${nameOf(array, place)} = ${shown(array, place)}`);
  return { read, element: h("section", { class: "explanation", "aria-label": "the chosen number" }, head, h("dl", {}, ...lines)) };
}
const largestOf = (array) => [numbers(array).reduce((most, x) => Math.max(most, Number.isFinite(x) ? Math.abs(x) : 0), 0) * 1e-3];

// Arrays: small ones as tables, larger ones as colors.

// Arrow keys move a cursor over the numbers, Enter chooses one. `moved` shows the cursor.
function withKeys(element, array, across, moved) {
  const count = arrays[array].numbers.length;
  const go = (place) => {
    cursors[array] = Math.max(0, Math.min(count - 1, place));
    moved(cursors[array]);
  };
  element.addEventListener("keydown", (event) => {
    const place = cursors[array] ?? 0;
    const moves = { ArrowRight: place + 1, ArrowLeft: place - 1, ArrowDown: place + across, ArrowUp: place - across,
      Home: 0, End: count - 1 };
    if (event.key in moves) go(moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") choose(array, place);
    else return;
    event.preventDefault();
  });
  element.addEventListener("focus", () => go(cursors[array] ?? 0));
}

function table(name, array, largest, marks) {
  const { shape, label } = arrays[array], across = shape.at(-1) ?? 1, rows = Math.max(1, arrays[array].numbers.length / across);
  const xs = numbers(array), cells = [];
  const cell = (place) => {
    const state = marks(place);
    cells[place] = h("td", { role: "gridcell", id: `n-${array}-${place}`, class: state, onclick: () => choose(array, place),
      style: `background:${diverging(xs[place], largest)}`, "aria-selected": state.includes("chosen") }, shown(array, place));
    return cells[place];
  };
  const head = shape.length ? [h("tr", {}, ...(shape.length > 1 ? [h("td", {})] : []),
    ...Array.from({ length: across }, (_, i) => h("th", { scope: "col" }, i)))] : [];
  const body = Array.from({ length: rows }, (_, r) => h("tr", {},
    ...(shape.length > 1 ? [h("th", { scope: "row" }, indices(r * across, shape).slice(0, -1).join(","))] : []),
    ...Array.from({ length: across }, (_, c) => cell(r * across + c))));
  const grid = h("table", { role: "grid", tabindex: 0, "data-keys": true, "data-array": array,
    "aria-label": `${name}: ${label}. Arrow keys move, Enter shows where a number comes from.` }, ...head, ...body);
  withKeys(grid, array, across, (place) => {
    for (const one of cells) one.classList.remove("cursor");
    cells[place].classList.add("cursor");
    grid.setAttribute("aria-activedescendant", cells[place].id);
  });
  return h("div", { class: "scroll" }, grid);
}

// Lay an array out in tiles: images as they are, rows of a square length as images, else one tile of rows.
function tiling(shape) {
  const side = Math.sqrt(shape.at(-1) ?? 1);
  if (shape.length < 3 && Number.isInteger(side) && side >= 8) return [side, side, Math.min(shape.length < 2 ? 1 : shape[0], 10)];
  if (shape.length > 2) return [shape.at(-2), shape.at(-1), Math.min(shape.at(-3), 12)];
  return [shape.length > 1 ? shape[0] : 1, shape.at(-1) ?? 1, 1];
}

function colors(name, array, largest, marks) {
  const { shape, label } = arrays[array], xs = numbers(array), count = xs.length;
  const [high, wide, across] = tiling(shape), tiles = count / (high * wide), down = Math.ceil(tiles / across);
  const pixel = Math.max(2, Math.min(12, Math.floor(900 / (across * (wide + 1))), Math.floor(168 / Math.min(high, wide))));
  const at = (place) => {
    const t = Math.floor(place / (high * wide)), r = Math.floor(place / wide) % high;
    return [((t % across) * (wide + 1) + (place % wide)) * pixel, (Math.floor(t / across) * (high + 1) + r) * pixel];
  };
  const canvas = h("canvas", { width: across * (wide + 1) * pixel, height: down * (high + 1) * pixel, tabindex: 0,
    role: "application", "data-keys": true, "data-array": array,
    "aria-label": `${name}: ${label}, ${shape.join(" × ")} numbers as colors, the largest ${numberText(largest)}. `
      + "Arrow keys move, Enter shows where a number comes from." });
  const read = h("output", { class: "reading" }), pen = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement), variable = (name) => style.getPropertyValue(name).trim();
  const draw = (cursor) => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    xs.forEach((x, place) => {
      pen.fillStyle = diverging(x, largest).replace(/var\((.*?)\)/, (_, name) => variable(name));
      pen.fillRect(...at(place), pixel, pixel);
    });
    const outline = (place, name, width, across = 1, down = 1) => {
      pen.strokeStyle = variable(name);
      pen.lineWidth = width;
      pen.strokeRect(...at(place), across * pixel, down * pixel);
    };
    const states = xs.map((_, place) => marks(place)), made = states.filter((state) => state.includes("made")).length;
    for (let start = 0; start < count; start += high * wide) {
      const whole = made > 99 && states.slice(start, start + high * wide).some((state) => state.includes("made"));
      outline(start, whole ? "--ink" : "--line", whole ? 3 : 1, wide, high); // single marks would hide an image
    }
    states.forEach((state, place) => {
      if (state.includes("made") && made < 100) outline(place, "--ink", 1);
      if (state.includes("chosen") || place === cursor) outline(place, "--accent", 3);
    });
  };
  const show = (place, redraw = true) => {
    if (redraw) draw(place);
    read.textContent = `[${indices(place, shape).join(", ")}] ${shown(array, place)}`;
  };
  const under = (event) => {
    const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width / pixel;
    const x = Math.floor((event.clientX - box.left) * scale), y = Math.floor((event.clientY - box.top) * scale);
    const t = Math.floor(y / (high + 1)) * across + Math.floor(x / (wide + 1)), c = x % (wide + 1), r = y % (high + 1);
    return c < wide && r < high && t < tiles ? (t * high + r) * wide + c : null;
  };
  canvas.addEventListener("pointermove", (event) => {
    if (under(event) !== null) show(under(event), false);
  });
  canvas.addEventListener("click", (event) => {
    if (under(event) !== null) choose(array, under(event));
  });
  withKeys(canvas, array, wide, (place) => {
    show(place);
    read.setAttribute("aria-live", "polite");
  });
  draw();
  return h("div", {}, canvas, read);
}

function drawn(name, array, used) {
  const { label, shape } = arrays[array], xs = numbers(array), theirs = numbers(array, data.reference);
  const largest = xs.reduce((most, x) => Math.max(most, Number.isFinite(x) ? Math.abs(x) : 0), 0);
  const made = new Set(used.filter(([source]) => source === array).map(([, place]) => place));
  const off = (place) => Math.abs(xs[place] - theirs[place]) > 1e-5 * largest || Number.isNaN(xs[place]) !== Number.isNaN(theirs[place]);
  const marks = (place) => [array === chosen[0] && place === chosen[1] ? "chosen" : "", made.has(place) ? "made" : "",
    off(place) ? "off" : ""].join(" ").trim();
  const wrong = xs.filter((_, place) => off(place)).length;
  const size = shape.length ? ` (${shape.join(" × ")})` : "";
  const across = shape.at(-1) ?? 1, draw = Math.max(across, xs.length / across) <= MOST_IN_TABLE ? table : colors;
  return h("figure", {}, h("figcaption", {}, h("b", {}, name), name === label ? size : ` = ${label}${size}`),
    draw(name, array, largest, marks),
    ...(wrong ? [h("p", { class: "off-note" }, `${wrong} of ${xs.length} differ from ${tiers[data.reference].name} (dashed)`)] : []));
}

// The columns of the tiers.

function column({ differs, difference, calls, code }, t) {
  const times = calls === undefined ? "" : calls === 1 ? "1 call for all samples" : `${calls} calls, one per sample`;
  const head = h("h3", { style: `border-color:${tiers[t].color}` }, tiers[t].name);
  const agree = h("p", { class: differs ? "differs" : "" }, differs ? "≠ " : "", difference);
  return h("section", { class: "tier" }, head, h("p", {}, times), ...(code ? listing(code) : []), agree);
}

// Source text with the lines at work marked, and those that are not in the right tier.
function listing({ source, lines, new: changed = [] }) {
  const [file, start, text] = sources[source];
  if (!text.length) return [h("p", {}, `The source text of this op cannot be read (${file}).`)];
  const rows = text.map((line, i) => {
    const work = lines.includes(i), odd = changed.includes(i);
    return h("span", { class: `${work ? "work" : ""} ${odd ? "odd" : ""}` },
      h("i", {}, `${odd ? "≠" : work ? "▸" : " "}${String(start + i).padStart(4)} `), line);
  });
  return [h("p", { class: "file" }, file), h("pre", {}, h("code", {}, ...rows))];
}

// A step.

function drawStep(i) {
  const step = steps[i];
  const { read, element } = explanation(...chosen);
  const formulas = step.formulas.map(([left, right]) => h("p", { class: "formula" }, ...written(left, {}), " = ", ...written(right, {})));
  const given = Object.entries(step.in).map(([name, array]) => drawn(name, array, read));
  const results = Object.entries(step.out).map(([name, array]) => drawn(name, array, read));
  return h("article", { class: step.phase },
    h("h2", {}, `Step ${i + 1}, ${step.phase}: ${step.title}`), ...formulas,
    h("div", { class: "arrays" }, h("div", {}, h("h3", {}, "goes in"), ...given), h("div", {}, h("h3", {}, "comes out"), ...results)),
    element, ...step.code.flatMap(listing), h("div", { class: "tiers" }, ...step.tiers.map(column)));
}

function ownNumber(i) {
  const visible = [...Object.values(steps[i].in), ...Object.values(steps[i].out)];
  return chosen && visible.includes(chosen[0]) ? chosen : [Object.values(steps[i].out).at(-1), 0];
}

function show(i) {
  const focused = document.activeElement?.dataset.array;
  now = i;
  chosen = ownNumber(i);
  $("#step").replaceChildren(drawStep(i));
  for (const item of document.querySelectorAll("#steps a")) {
    if (item.hash === address(i)) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  if (focused !== undefined) $(`#step [data-array="${focused}"]`)?.focus();
  return `${steps[i].title}. ${steps[i].text}`;
}

function overview() {
  const phases = [...new Set(steps.map((step) => step.phase))];
  $("#steps").append(...phases.map((phase) => h("div", { class: phase }, h("b", {}, phase), ...steps.flatMap((step, i) =>
    step.phase === phase ? [link(`${i + 1} ${step.tiers.some((one) => one.differs) ? "≠ " : ""}${step.title}`, i)] : []))));
  const choice = h("fieldset", { "data-keys": true }, h("legend", {}, "numbers of"), ...tiers.map((one, t) => h("label", {},
    h("input", { type: "radio", name: "tier", checked: t === tier, onchange: () => {
      tier = t;
      jump(now);
    } }), one.name)));
  if (tiers.length > 1) $("#steps").append(choice);
}

overview();
for (const item of document.querySelectorAll(".warning a")) {
  item.addEventListener("click", (event) => {
    event.preventDefault();
    visit(item.hash);
  });
}
let jump = (i) => i; // until the player exists
jump = player($("#player"), steps.length, show, { perSecond: 0.25 });
if (location.hash) open(location.hash);
addEventListener("popstate", () => open(location.hash || "#1"));

// On paper: all steps.
matchMedia("print").addEventListener("change", ({ matches }) => {
  const kept = [now, chosen];
  $("#print").replaceChildren(...(matches ? steps.map((_, i) => {
    [now, chosen] = [i, [Object.values(steps[i].out).at(-1), 0]];
    return drawStep(i);
  }) : []));
  [now, chosen] = kept;
});
