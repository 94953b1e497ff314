for (const panel of document.querySelectorAll(".whatif:not([data-ready])")) {
  panel.dataset.ready = "";
  const model = JSON.parse(panel.dataset.model);
  const sliders = [...panel.querySelectorAll("input")];
  const find = (name) => panel.querySelector(name);
  const text = (value, digits, signed) => {
    const shown = Math.abs(value).toFixed(digits);
    return (value < 0 && +shown ? "\u2212" : signed && +shown ? "+" : "") + shown;
  };
  const pointsOf = (slider, i) => (+slider.value === +slider.max ? model.rooms[i] : +slider.value / 10);
  const stepOf = (slider, i, points) => (points > model.rooms[i] - 0.005 ? +slider.max : Math.round(Math.max(points || 0, 0) * 10));
  const x = (value) => 6 + 268 * Math.min(Math.max((value - model.span[0]) / (model.span[1] - model.span[0]), 0), 1);
  const shared = document.querySelector("main#main") && location.protocol.startsWith("http");  // not in a notebook
  const nameOf = (slider) => `raise.${slider.name}`;
  const linked = shared ? new URL(location).searchParams : new URLSearchParams();
  if (sliders.some((slider) => linked.has(nameOf(slider)))) {
    sliders.forEach((slider, i) => { slider.value = stepOf(slider, i, +linked.get(nameOf(slider))); });
  }
  const remember = () => {
    if (!shared) return;
    const url = new URL(location);
    sliders.forEach((slider, i) => {
      if (+slider.value) url.searchParams.set(nameOf(slider), pointsOf(slider, i).toFixed(2));
      else url.searchParams.delete(nameOf(slider));
    });
    history.replaceState(null, "", url);
  };
  let later;
  const show = () => {
    const points = sliders.map(pointsOf);
    let change = 0, variance = 0;
    points.forEach((own, i) => {
      change += model.effects[i] * own;
      points.forEach((other, j) => { variance += model.covariance[i][j] * own * other; });
    });
    const half = 1.959963984540054 * Math.sqrt(Math.max(variance, 0));
    sliders.forEach((slider, i) => {
      const own = text(points[i], 1, true);
      slider.parentNode.querySelector("output").textContent = own;
      slider.setAttribute("aria-valuetext", `${own}, to ${text(model.today[i] + points[i], 1)}`);
    });
    const moved = text(change, model.digits, true);
    const sure = `${text(change - half, model.digits, true)} to ${text(change + half, model.digits, true)}`;
    find(".big b").textContent = moved;
    find(".big small").textContent = points.some((own) => own) ? `(${sure})` : "";
    const [now, then] = [model.mean, change].map((value) => +value.toFixed(model.digits));  // as they are read
    find(".now").textContent = `From ${text(now, model.digits)} today to about ${text(now + then, model.digits)}`;
    const [low, at, high] = [change - half, change, change + half].map(x);
    find(".line").setAttribute("d", `M${low} 16H${high}M${low} 12v8M${high} 12v8`);
    find(".dot").setAttribute("cx", at);
    clearTimeout(later);
    later = setTimeout(() => { find("[role=status]").textContent = `${model.outcome}: ${points.some((own) => own) ? `${moved} (${sure})` : "no change"}`; }, 500);
  };
  panel.addEventListener("input", () => { show(); remember(); });
  for (const slider of sliders) {  // a thumb that scrolls the page from here moves nothing
    let was = slider.value;
    slider.addEventListener("pointerdown", () => { was = slider.value; });
    slider.addEventListener("pointercancel", () => { slider.value = was; show(); remember(); });
  }
  find("button").addEventListener("click", () => { for (const slider of sliders) slider.value = 0; show(); remember(); });
  find(".controls").hidden = false;
  show();
  clearTimeout(later);
}
