for (const list of document.querySelectorAll(".units")) {
  const find = list.querySelector(".find"), said = find.querySelector("[role=status]");
  const sought = find.querySelector("[type=search]"), order = find.querySelector("select");
  const whole = find.querySelector("[type=checkbox]");
  const fold = (text) => text.toLowerCase().replace(/\s+/g, " ");
  const sections = [...list.querySelectorAll("details")].map((own) => ({
    own, rows: [...own.querySelectorAll("tbody tr")], body: own.querySelector("tbody"), opened: own.open,
    news: own.classList.contains("news"), name: own.querySelector("h3").textContent,
  }));
  const regions = sections.filter((section) => !section.news);
  const units = regions.flatMap(({ rows, name }) => rows.map((row) => {
    const unit = row.querySelector("th a").textContent;
    const said = [...row.querySelectorAll(".mark, .also span, .hidden")].map((part) => part.textContent).join(" ");
    return { row, unit, text: fold(`${unit} ${name} ${said}`), score: row.dataset.score, change: row.dataset.change };
  }));
  const of = new Map(units.map((unit) => [unit.row, unit]));
  const number = (text) => text === undefined ? Infinity : Number(text);  // what is not shown comes last
  const before = {
    made: () => 0,
    name: (a, b) => a.unit.localeCompare(b.unit, undefined, { numeric: true }),
    score: (a, b) => number(a.score) - number(b.score) || 0,
    change: (a, b) => number(a.change) - number(b.change) || 0,
  };
  const all = regions[0].own.cloneNode(true);  // one list of all regions
  all.querySelector("h3").textContent = "All regions";
  all.querySelector("summary span").textContent = "";
  all.open = true;
  const together = all.querySelector("tbody");
  let searching = false;

  const place = () => {
    const sorted = (rows) => [...rows].sort((a, b) => before[order.value](of.get(a), of.get(b)));
    if (whole && whole.checked) {
      together.replaceChildren(...sorted(units.map(({ row }) => row)));
      regions[0].own.before(all);
    } else {
      all.remove();
      for (const { body, rows } of regions) body.replaceChildren(...sorted(rows));
    }
    show();
  };
  const show = () => {
    const words = fold(sought.value).split(" ").filter(Boolean), one = whole && whole.checked;
    let found = 0;
    if (words.length && !searching) for (const section of sections) section.opened = section.own.open;
    for (const { row, text } of units) {
      row.hidden = !words.every((word) => text.includes(word));
      found += !row.hidden;
    }
    for (const { own, rows, news, opened } of sections) {
      const holds = rows.some((row) => !row.hidden);
      own.hidden = news ? words.length > 0 : one || !holds;
      if (!news && (words.length || searching)) own.open = words.length ? holds : opened;
    }
    searching = words.length > 0;
    said.textContent = words.length ? `${found} of ${units.length} units` : "";
  };

  sought.addEventListener("input", show);
  order.addEventListener("change", place);
  if (whole) whole.addEventListener("change", place);
  find.hidden = false;
}
