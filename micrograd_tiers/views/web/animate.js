// A net that learns. `data.panels` has the recorded frames of each tier; `data.clocks` says which frame each panel
// shows at each position of the player. All texts and places are written by Python.
const panels = [...document.querySelectorAll(".panel")];
let clock = data.clocks[0], position = 0;

function draw(panel, frames, k) {
  const find = (name) => panel.querySelector(`.${name}`);
  const { numbers, picture, words, mark, sentence } = frames[k];
  panel.querySelectorAll("dd").forEach((cell, i) => { cell.textContent = numbers[i]; });
  find("picture").setAttribute(data.attribute, data.pictures[picture]);
  find("plane").setAttribute("aria-label", words);
  find("so-far").setAttribute("points", frames.slice(0, k + 1).map((frame) => frame.mark ?? "").join(" "));
  find("mark").setAttribute("transform", `translate(${mark ?? [0, 0]})`);
  find("mark").style.visibility = mark ? "visible" : "hidden"; // a loss that is not finite has no place
  return sentence;
}

const jump = player($("#player"), clock.frames.length, (i) => {
  position = i;
  const sentences = panels.map((panel, p) => draw(panel, data.panels[p], clock.frames[i][p]));
  return `${clock.times[i]}${sentences.join(", ")}.`;
}, { perSecond: data.perSecond });

if (data.clocks.length > 1) {
  const choice = h("select", { "aria-label": "clock", onchange: () => {
    clock = data.clocks[choice.selectedIndex];
    jump(position);
  } });
  choice.append(...data.clocks.map(({ name }) => h("option", {}, name)));
  $(".controls").append(choice);
}
