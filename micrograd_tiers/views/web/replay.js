// The replay of a graph. `data` holds the names of the boxes, the targets of the edges, the steps of the forward pass
// and of the backward pass, in the right order and in another, and the boxes whose gradients are wrong in the other.
// A step has a formula and a reason (why). It may mark a box and an edge, and set numbers: data of its box,
// grad: [box, number], added: the product shown at the edge, late: it comes too late.
const other = $("#other"), graph = $("#graph");
const boxes = [...graph.querySelectorAll("[data-box]")].map((element) => ({
  element,
  title: element.querySelector("title"),
  data: element.querySelector("[data-text=data]"),
  grad: element.querySelector("[data-text=grad]"),
}));
const edges = [...graph.querySelectorAll("[data-edge]")].map((element) => {
  const text = element.querySelector("[data-text=local]");
  return { element, text, local: text.textContent };
});
const stepsNow = () => [...data.forward, ...(other.checked ? data.other : data.right)];

function write(element, text) {
  element.removeAttribute("textLength"); // the width of another text
  element.textContent = text;
}

// Show the numbers that are known after step i, and mark the box and the edge at work.
function show(i) {
  const steps = stepsNow(), step = steps[i], last = i === steps.length - 1;
  const known = boxes.map(() => ({ data: "?", grad: "0", class: "" }));
  for (const { box, data, grad, late } of steps.slice(0, i + 1)) {
    if (data !== undefined) known[box].data = data;
    if (grad) known[grad[0]].grad = grad[1];
    if (late) known[grad[0]].class = "late";
  }
  if (step.box !== undefined) known[step.box].class += " now";
  if (step.grad) known[step.grad[0]].class += " gets";
  if (last && other.checked) for (const box of data.wrong) known[box].grad += " ✗";
  boxes.forEach((box, k) => {
    write(box.data, known[k].data);
    write(box.grad, known[k].grad);
    box.title.textContent = `${data.names[k]}: data ${known[k].data}, grad ${known[k].grad}`;
    box.element.setAttribute("class", known[k].class.trim());
  });
  edges.forEach((edge, k) => {
    const now = k === step.edge;
    write(edge.text, now ? step.added : known[data.targets[k]].data === "?" ? "" : edge.local);
    edge.element.setAttribute("class", now ? (step.late ? "now late" : "now") : "");
  });
  if (step.box !== undefined) bringIntoView(boxes[step.box].element);
  const pass = i === 0 ? "" : i < data.forward.length ? "Forward pass: " : "Backward pass: ";
  return [h("small", {}, pass), h("b", { class: "formula" }, step.formula), " ", step.why];
}

// Scroll the graph, not the page, so that a box is visible.
function bringIntoView(element) {
  const box = element.getBoundingClientRect(), frame = graph.getBoundingClientRect();
  const right = (box.left + box.right - frame.left - frame.right) / 2; // from the middle of what is visible
  const down = (box.top + box.bottom - frame.top - frame.bottom) / 2;
  if (Math.abs(right) > (frame.width - box.width) / 2) graph.scrollLeft += right;
  if (Math.abs(down) > (frame.height - box.height) / 2) graph.scrollTop += down;
}

const jump = player($("#player"), stepsNow().length, show);
other.addEventListener("change", () => {
  $("#verdict").hidden = !other.checked;
  jump(Number($("#player input[type=range]").value));
});
