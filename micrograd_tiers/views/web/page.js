// Follow the theme of the notebook or site around the page, where it shows one.
function followTheme() {
  const body = window.frameElement?.ownerDocument.body;
  if (!body) return;
  const set = () => {
    const { theme, jpThemeLight, vscodeThemeKind } = body.dataset;
    const said = [theme, vscodeThemeKind?.replace("vscode-", ""), { true: "light", false: "dark" }[jpThemeLight]];
    const found = said.find((name) => name === "light" || name === "dark");
    document.documentElement.className = found ?? "";
  };
  set();
  new MutationObserver(set).observe(body, { attributes: true });
}
followTheme();

// Make the frame around the page as high as the page, up to 1,100 pixels.
new ResizeObserver(() => {
  const frame = window.frameElement;
  if (frame) frame.style.height = `${Math.min(1100, document.documentElement.offsetHeight)}px`;
}).observe(document.documentElement);

const $ = (selector) => document.querySelector(selector);

// Return an element: h("b", { class: "x", onclick }, "text", otherElement).
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// A number rounded to so many significant digits. A tie goes to the even digit, as in Python.
function rounded(x, digits) {
  const [exact, exponent] = x.toExponential(40).split("e"), figures = exact.replace(/[-.]/g, "");
  const tie = /^50*$/.test(figures.slice(digits)), even = Number(figures[digits - 1]) % 2 === 0;
  if (!tie || !even) return Number(x.toPrecision(digits));
  return Math.sign(x) * Number(`${figures[0]}.${figures.slice(1, digits)}e${exponent}`);
}
// A number with so many significant digits, written as html.number writes it.
function numberText(x, digits = 4) {
  if (x === null || Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  const near = rounded(x, digits), [mantissa, exponent] = near.toExponential().split("e").map(Number);
  if (exponent >= -4 && exponent < digits) return String(near);
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

// The color of a number: red if negative, blue if positive, as in colors.py.
function diverging(x, largest) {
  if (x === null || Number.isNaN(x)) return "rgb(128 128 128 / 0.5)";
  const share = largest ? Math.min(1, Math.abs(x) / largest) : Number(x !== 0);
  return `rgb(var(--${x < 0 ? "negative" : "positive"}) / ${0.75 * share})`;
}
