// One training step, number by number. The page shows step `now`; `chosen` is a number of an array: [array, place].

const { tiers, arrays, steps, sources, first } = data;
const MOST_IN_TABLE = 12; // rows and columns; larger arrays are drawn as colors
const cursors = {}; // by array: the place that the arrow keys have reached
const limits = {}; // by array and tier: the largest number
let now = 0, tier = first ? first[1] : data.reference, chosen = null;

// Arrays: their numbers at a tier, in order, and the indices that belong to a place in this order.

const numbersOf = tiers.map(() => []);
function numbers(array, t = tier) {
  if (!numbersOf[t][array]) {
    const { numbers: own, others } = arrays[array], other = others[t];
    numbersOf[t][array] = (Array.isArray(other) ? other : Object.assign([...own], other)).map(Number);
  }
  return numbersOf[t][array];
}
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
function nameOf(array, place) {
  const { label, shape } = arrays[array];
  return shape.length ? `${label} [${indices(place, shape).join(", ")}]` : label;
}
const shown = (array, place) => minus(numberText(numbers(array)[place]));
function largestOf(array, t = tier) {
  const finite = () => numbers(array, t).filter(Number.isFinite);
  return (limits[[array, t]] ??= finite().reduce((most, x) => Math.max(most, Math.abs(x)), 0));
}
// True for a number that differs from that of the right tier in the digits shown.
function isOff(array, place) {
  const x = numbers(array)[place], right = numbers(array, data.reference)[place];
  return !(Math.abs(x - right) <= 1e-5 * largestOf(array, data.reference) || Object.is(x, right));
}

// Links: "#7" is step 7, "#7-3-5" number 5 of array 3 in step 7. The browser's back button goes to the last one.

const address = (step, ...number) => `#${[step + 1, ...number].join("-")}`;
function link(text, step, number = [], attributes = {}) {
  const href = address(step, ...number);
  const follow = (event) => {
    event.preventDefault();
    visit(href);
  };
  return h("a", { href, onclick: follow, ...attributes }, text);
}
const stepLink = (i) => link(`step ${i + 1}, ${steps[i].title}`, i);
// A number that leads to the step that made it.
function numberLink(array, place, text = shown(array, place)) {
  return link(text, arrays[array].made?.[0] ?? now, [array, place], { title: nameOf(array, place), class: "number" });
}
function visit(hash) {
  try {
    history.pushState(null, "", hash);
  } catch { /* the frame in a notebook has no address */ }
  const inside = $("#step").contains(document.activeElement); // then the chosen number gets the focus
  open(hash);
  if (inside) $(`#step [data-array="${chosen[0]}"]`)?.focus();
}
function open(hash) {
  const [step, array, place] = hash.slice(1).split("-").map(Number);
  chosen = arrays[array]?.numbers.length > place ? [array, place] : null;
  if (chosen) cursors[array] = place;
  jump(steps[step - 1] ? step - 1 : 0);
}

// The chosen number: where it comes from, which gradient comes back to it, and where it is used.

// The values of a formula's letters for one number of its result; `used` collects the numbers that it reads.
function context(step, left, array, place, used = []) {
  const names = { ...step.in, ...step.out }, at = { ...step.sizes }, own = indices(place, arrays[array].shape);
  const letters = Array.isArray(left) ? left.slice(2) : [], elementwise = Array.isArray(left) && !letters.length;
  letters.forEach((letter, axis) => { at[letter] = own[axis]; });
  at.read = (name, found) => {
    const source = names[name], { shape } = arrays[source];
    const p = found.length ? placeOf(found, shape) : elementwise && shape.length ? place : 0;
    if (p === null) return null;
    used.push([source, p]);
    const number = numbers(source)[p];
    return { text: numberText(number), value: number, link: (text) => numberLink(source, p, text) };
  };
  return at;
}
function formulaOf(array) {
  const { made } = arrays[array];
  return made && steps[made[0]].formulas.find(([left]) => (Array.isArray(left) ? left[1] : left) === made[1]);
}

function explanation(array, place) {
  const { made, used, gradient, of } = arrays[array], lines = [], read = [], formula = formulaOf(array);
  const line = (term, ...nodes) => lines.push(h("dt", {}, term), h("dd", {}, ...nodes));
  if (formula) {
    const [left, right] = formula, step = steps[made[0]], at = context(step, left, array, place);
    const result = minus(numberText(value(right, at))), computed = shown(array, place);
    const wrong = step.tiers[tier].differs && isOff(array, place) && result !== computed;
    const terms = [...written(right, at), " = ", h("b", {}, wrong ? result : computed)];
    line("made from", h("span", { class: "formula" }, ...terms));
    if (wrong) line("but", h("strong", {}, `${tiers[tier].name} has ${computed} in its place.`));
    value(right, context(step, left, array, place, read));
  }
  if (!made) line("made", "It is given: the step begins with it.");
  else if (made[0] !== now) line("made in", stepLink(made[0]));
  if (of !== null) line("gradient of", numberLink(of, place), ` = ${nameOf(of, place)}`);
  const meaning = ": if this number grows a little, L grows by that many times as much.";
  if (gradient !== null) line("its gradient", "dL/d(this number) = ", numberLink(gradient, place), meaning);
  else if (!made) line("its gradient", "It is not computed, as training does not change this number.");
  const later = used.filter((i) => i > (made?.[0] ?? -1));
  if (later.length) line("used in", ...later.flatMap((i, k) => [k ? "; " : "", stepLink(i)]));
  const head = h("h3", { "aria-live": "polite" }, `${nameOf(array, place)} = ${shown(array, place)}`);
  return [read, h("section", { class: "explanation", "aria-label": "chosen number" }, head, h("dl", {}, ...lines))];
}

// Drawings of arrays. Arrow keys move a cursor over the numbers, Enter chooses one.

const KEYS = "Arrow keys move, Enter shows where a number comes from.";
function withKeys(element, array, across, moved) {
  const count = arrays[array].numbers.length;
  const go = (place) => {
    cursors[array] = Math.max(0, Math.min(count - 1, place));
    moved(cursors[array]);
  };
  element.addEventListener("focus", () => go(cursors[array] ?? 0));
  element.addEventListener("keydown", (event) => {
    const place = cursors[array] ?? 0, ways = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across };
    if (event.key in ways) go(place + ways[event.key]);
    else if (event.key === "Home" || event.key === "End") go(event.key === "End" ? count - 1 : 0);
    else if (event.key === "Enter" || event.key === " ") visit(address(now, array, place));
    else return;
    event.preventDefault();
  });
}

// A canvas with one pixel per number, in the colors of `diverging`.
function painted(xs, largest, width, height, at, inks) {
  const canvas = h("canvas", { width, height }), pen = canvas.getContext("2d");
  const image = pen.createImageData(width, height);
  const [negative, positive] = inks.map((ink) => ink.split(" ").map(Number));
  xs.forEach((x, place) => {
    const [left, top] = at(place), known = !Number.isNaN(x), size = largest ? Math.min(1, Math.abs(x) / largest) : 0;
    image.data.set(known ? x < 0 ? negative : positive : [128, 128, 128], 4 * (top * width + left));
    image.data[4 * (top * width + left) + 3] = 255 * (known ? 0.75 * size : 0.5);
  });
  pen.putImageData(image, 0, 0);
  return canvas;
}

function table(title, array, largest, { made, mine, off }) {
  const { shape } = arrays[array], across = shape.at(-1) ?? 1, xs = numbers(array), rows = xs.length / across;
  const marks = (place) => [place === mine && "chosen", made.has(place) && "made", off(place) && "off"];
  const cells = xs.map((x, place) => h("td", {
    role: "gridcell", id: `n-${array}-${place}`, class: marks(place).filter(Boolean).join(" "),
    style: `background:${diverging(x, 1.4 * largest)}`, // weaker than in images, so that the number is easy to read
    "aria-selected": String(place === mine), onclick: () => visit(address(now, array, place)),
  }, shown(array, place)));
  const matrix = shape.length > 1, heads = cells.slice(0, across).map((_, c) => h("th", { scope: "col" }, c));
  const lines = shape.length ? [h("tr", {}, ...(matrix ? [h("td", {})] : []), ...heads)] : [];
  for (let r = 0; r < rows; r++) {
    const head = h("th", { scope: "row" }, indices(r * across, shape).slice(0, -1).join(","));
    lines.push(h("tr", {}, ...(matrix ? [head] : []), ...cells.slice(r * across, (r + 1) * across)));
  }
  const named = { "data-keys": true, "data-array": array, "aria-label": `${title}. ${KEYS}` };
  const grid = h("table", { role: "grid", tabindex: 0, ...named }, ...lines);
  withKeys(grid, array, across, (place) => {
    for (const cell of cells) cell.classList.toggle("cursor", cell === cells[place]);
    grid.setAttribute("aria-activedescendant", cells[place].id);
  });
  return h("div", { class: "scroll" }, grid);
}

// Height and width of the tiles of a drawing, and how many stand side by side: an image each, or one of all rows.
function tiling(shape) {
  const width = shape.at(-1) ?? 1, side = Math.sqrt(width);
  if (shape.length > 2) return [shape.at(-2), width, Math.min(shape.at(-3), 12)];
  if (Number.isInteger(side) && side >= 8) return [side, side, Math.min(shape.length > 1 ? shape[0] : 1, 10)];
  return [shape.length > 1 ? shape[0] : 1, width, 1];
}

function colors(title, array, largest, { made, mine }) {
  const { shape } = arrays[array], xs = numbers(array), [high, wide, across] = tiling(shape), size = high * wide;
  const tiles = xs.length / size, widest = Math.floor(900 / (across * (wide + 1)));
  const pixel = Math.max(2, Math.min(12, widest, Math.floor(168 / Math.min(high, wide))));
  const columns = across * (wide + 1), rows = Math.ceil(tiles / across) * (high + 1);
  const named = { "data-keys": true, "data-array": array, tabindex: 0, role: "application" };
  named["aria-label"] = `${title}, as colors, the strongest for ${numberText(largest)}. ${KEYS}`;
  const canvas = h("canvas", { width: columns * pixel, height: rows * pixel, ...named });
  const reading = h("output", { class: "reading" }), pen = canvas.getContext("2d");
  const style = getComputedStyle(document.body), color = (name) => style.getPropertyValue(name).trim();
  const at = (place) => {
    const t = Math.floor(place / size), r = Math.floor(place / wide) % high;
    return [(t % across) * (wide + 1) + (place % wide), Math.floor(t / across) * (high + 1) + r];
  };
  const outline = (place, name, line, width = 1, height = 1) => {
    const [x, y] = at(place);
    pen.strokeStyle = color(name);
    pen.lineWidth = line;
    pen.strokeRect(x * pixel, y * pixel, width * pixel, height * pixel);
  };
  const small = painted(xs, largest, columns, rows, at, [color("--negative"), color("--positive")]);
  const whole = new Set(made.size > 99 ? [...made].map((place) => Math.floor(place / size)) : []);
  const draw = (cursor) => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, canvas.width, canvas.height);
    for (let t = 0; t < tiles; t++) outline(t * size, "--line", 1, wide, high);
    for (const t of whole) outline(t * size, "--ink", 3, wide, high);
    if (!whole.size) for (const place of made) outline(place, "--ink", 1); // more marks would hide the image
    for (const place of [mine, cursor]) if (place !== undefined) outline(place, "--accent", 3);
  };
  const read = (place) => { reading.textContent = `[${indices(place, shape).join(", ")}] ${shown(array, place)}`; };
  const onPointer = (act) => (event) => {
    const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width / pixel;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((length) => Math.floor(length * scale));
    const t = Math.floor(y / (high + 1)) * across + Math.floor(x / (wide + 1)), c = x % (wide + 1), r = y % (high + 1);
    if (c < wide && r < high && t < tiles) act((t * high + r) * wide + c);
  };
  canvas.addEventListener("pointermove", onPointer(read));
  canvas.addEventListener("click", onPointer((place) => visit(address(now, array, place))));
  withKeys(canvas, array, wide, (place) => {
    reading.setAttribute("aria-live", "polite");
    draw(place);
    read(place);
  });
  draw();
  return h("div", {}, canvas, reading);
}

function figure(name, array, used) {
  const { label, shape, others } = arrays[array], xs = numbers(array), across = shape.at(-1) ?? 1, notes = [];
  const made = new Set(used.filter(([source]) => source === array).map(([, place]) => place));
  const off = (place) => isOff(array, place);
  const marks = { made, off, mine: chosen[0] === array ? chosen[1] : undefined };
  const title = `${name}${name === label ? "" : ` = ${label}`}${shape.length ? ` (${shape.join(" × ")})` : ""}`;
  const reference = tiers[data.reference].name, wrong = xs.filter((_, place) => off(place)).length;
  if (others[tier] === null) {
    notes.push(`${tiers[tier].name} did not compute these numbers; those of ${reference} are shown.`);
  }
  if (wrong) notes.push(`${wrong} of ${xs.length} differ from ${reference} (underlined)`);
  const draw = Math.max(across, xs.length / across) <= MOST_IN_TABLE ? table : colors;
  const below = notes.map((note) => h("p", {}, note));
  return h("figure", {}, h("figcaption", {}, title), draw(title, array, largestOf(array), marks), ...below);
}

// Source text: the lines at work are marked, and those that the right tier does not have.

function listing({ source, lines, new: changed = [] }, note = "") {
  const [file, start, text] = sources[source];
  if (!text.length) return [h("p", {}, `The source text of this op cannot be read (${file}).`)];
  const rows = text.map((line, i) => {
    const work = lines.includes(i), odd = changed.includes(i), sign = odd ? "≠" : work ? "▸" : " ";
    const number = h("i", {}, `${sign}${String(start + i).padStart(4)} `), indent = line.search(/\S|$/) + 10;
    const style = `--indent:${indent}ch`; // of the rest of a line that does not fit
    return h("span", { class: `${work ? "work" : ""} ${odd ? "odd" : ""}`, style }, number, line);
  });
  return [h("p", { class: "file" }, file + note), h("pre", {}, h("code", {}, ...rows))];
}
function column({ differs, difference, calls, code }, t) {
  const times = calls === 1 ? "1 call for all samples" : `${calls} calls, one per sample`;
  return h("section", { class: "tier" }, h("h3", { style: `border-color:${tiers[t].color}` }, tiers[t].name),
    ...(calls ? [h("p", {}, times)] : []), ...(code ? listing(code) : []),
    h("p", { class: differs ? "differs" : "" }, differs ? "≠ " : "", difference));
}

// The page.

function drawn(i) {
  const step = steps[i], [read, element] = explanation(...chosen);
  const formulas = step.formulas.map(([left, right]) =>
    h("p", { class: "formula" }, ...written(left, {}), " = ", ...written(right, {})));
  const side = (title, names) => (!Object.keys(names).length ? "" : h("div", {}, h("h3", {}, title),
    ...Object.entries(names).map(([name, array]) => figure(name, array, read))));
  return h("article", {}, h("h2", {}, `Step ${i + 1}, ${step.phase}: ${step.title}`), ...formulas,
    h("div", { class: "arrays" }, side("inputs", step.in), side("results", step.out)), element,
    ...step.code.flatMap((code) => listing(code, ", the same for all tiers")),
    h("div", { class: "tiers" }, ...step.tiers.map(column)));
}
// The number that is chosen when a step opens: the first one that differs from the right tier, if one does.
function ownNumber(i) {
  const results = Object.values(steps[i].out);
  const wrong = results.map((array) => [array, numbers(array).findIndex((_, place) => isOff(array, place))]);
  return wrong.find(([, place]) => place >= 0) ?? [results.at(-1), 0];
}

function show(i) {
  const focused = document.activeElement?.dataset.array, visible = Object.values({ ...steps[i].in, ...steps[i].out });
  now = i;
  chosen = chosen && visible.includes(chosen[0]) ? chosen : ownNumber(i);
  $("#step").replaceChildren(drawn(i));
  for (const item of document.querySelectorAll("#steps a")) {
    item.setAttribute("aria-current", item.hash === address(i) ? "step" : "false");
  }
  if (focused) $(`#step [data-array="${focused}"]`)?.focus();
  return `${steps[i].title}. ${steps[i].text}`;
}

for (const phase of new Set(steps.map((step) => step.phase))) {
  const links = steps.map((step, i) => {
    const name = `${i + 1}${step.tiers.some((one) => one.differs) ? " ≠" : ""}`;
    const title = { "aria-label": `${name} ${step.title}`, "data-title": step.title };
    return step.phase === phase ? link(name, i, [], title) : "";
  });
  $("#steps").append(h("div", {}, h("b", {}, phase), " ", ...links));
}
const choices = tiers.map((one, t) => {
  const choose = () => {
    tier = t;
    jump(now);
  };
  return h("label", {}, h("input", { type: "radio", name: "tier", checked: t === tier, onchange: choose }), one.name);
});
const choice = h("fieldset", { "data-keys": true }, h("legend", {}, "numbers of"), ...choices);
if (tiers.length > 1) $("#steps").after(choice);

let jump = (i) => i; // until there is a player
jump = player($("#player"), steps.length, show, { perSecond: 0.25 });
if (location.hash) open(location.hash);
else if (first) jump(first[0]);
addEventListener("popstate", () => open(location.hash || "#1"));
for (const item of document.querySelectorAll(".warning a")) {
  item.addEventListener("click", (event) => {
    event.preventDefault();
    visit(item.hash);
  });
}

// On paper: all steps, one after the other, and all words unfolded.
function layOut(printed) {
  const kept = [now, chosen];
  $("#print").replaceChildren(...printed.map((_, i) => {
    [now, chosen] = [i, ownNumber(i)];
    const article = drawn(i);
    article.firstChild.after(h("p", {}, steps[i].text));
    return article;
  }));
  [now, chosen] = kept;
  for (const words of document.querySelectorAll("details")) words.open = printed.length > 0;
}
addEventListener("beforeprint", () => layOut(steps));
addEventListener("afterprint", () => layOut([]));
matchMedia("print").addEventListener("change", ({ matches }) => layOut(matches ? steps : []));
