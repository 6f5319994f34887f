// Controls that step through `count` states: buttons, slider, speed, and the keys left, right, space, home and end.
// `show(i)` draws state i and returns the sentence that a screen reader speaks: text, or a list of texts and elements.
// Returns a function that goes to a state.
function player(where, count, show, { perSecond = 1, start = 0 } = {}) {
  let at = start, timer = null;
  const live = h("p", { "aria-live": "polite", class: "sentence" });
  const slider = h("input", { type: "range", min: 0, max: count - 1, value: at, "aria-label": "step" });
  const place = h("output", { class: "place" });
  const speed = h("select", { "aria-label": "speed" });
  for (const factor of [0.25, 0.5, 1, 2, 4]) {
    speed.append(h("option", { value: factor, selected: factor === 1 }, `${factor}×`));
  }
  const button = (sign, name, onclick) =>
    h("button", { type: "button", "aria-label": name, title: name, onclick }, sign);
  const play = button("▶", "play", () => (timer ? stop() : run()));

  function go(i) {
    at = Math.max(0, Math.min(count - 1, i));
    slider.value = at;
    place.textContent = `${at + 1} / ${count}`;
    const parts = [show(at) ?? ""].flat(), sentence = parts.map((part) => part.textContent ?? part).join("");
    if (live.textContent !== sentence) live.replaceChildren(...parts);
    slider.setAttribute("aria-valuetext", `${at + 1} of ${count}: ${sentence}`);
  }
  function label(sign, name) {
    play.textContent = sign;
    play.setAttribute("aria-label", name);
    play.title = name;
  }
  function stop() {
    clearTimeout(timer);
    timer = null;
    live.setAttribute("aria-live", "polite");
    label("▶", "play");
  }
  function run() {
    if (at === count - 1) go(0);
    if (perSecond > 2) live.setAttribute("aria-live", "off"); // nobody speaks that fast; the last state is spoken
    label("❚❚", "pause");
    const tick = () => {
      if (at < count - 2) wait();
      else stop();
      go(at + 1);
    };
    const wait = () => { timer = setTimeout(tick, 1000 / (perSecond * Number(speed.value))); };
    wait();
  }
  function jump(i) {
    stop();
    go(i);
  }
  slider.addEventListener("input", () => jump(Number(slider.value)));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, textarea, [data-keys]")) return;
    const places = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: count - 1 };
    const plays = event.key === " " && !event.target.closest("button, summary, a, input:not([type=range])");
    if (plays) play.click();
    else if (event.key in places) jump(places[event.key]);
    else return;
    event.preventDefault();
  });
  where.append(
    h("div", { class: "controls", role: "group", "aria-label": "player" },
      button("⇤", "first step", () => jump(0)), button("←", "one step back", () => jump(at - 1)), play,
      button("→", "one step forward", () => jump(at + 1)), button("⇥", "last step", () => jump(count - 1)),
      slider, place, speed),
    live,
  );
  go(at);
  return jump;
}
