{
  const form = document.querySelector("form.ask"), report = document.querySelector("#report");
  const status = form.querySelector("[role=status]");
  const made = [...report.childNodes], selects = [...form.querySelectorAll("select")];
  const own = new Map(selects.map((select) => [select.name, select.value]));
  const TRIES = 12, WAIT = 5000;
  let asking = new AbortController();

  const say = (text) => { status.textContent = text; };
  const remember = (asked) => {
    const url = new URL(location);
    for (const name of own.keys()) url.searchParams.delete(name);
    for (const [name, value] of asked) url.searchParams.set(name, value);
    history.replaceState(null, "", url);
  };
  const put = (nodes) => {
    report.replaceChildren(...nodes);
    const files = document.querySelector(".files");
    if (files) files.hidden = nodes !== made;  // they are the report's
    for (const old of report.querySelectorAll("script")) {  // what comes by fetch runs only when made anew
      const fresh = document.createElement("script");
      fresh.textContent = old.textContent;
      old.replaceWith(fresh);
    }
  };
  const answer = async (asked, signal) => {
    for (let at = 1; ; at++) {
      const got = await fetch(`${form.getAttribute("action")}?${new URLSearchParams(asked)}`, { signal });
      if (got.status !== 503 || at === TRIES) return got;
      say("Others are asking too. Trying again in five seconds.");
      await new Promise((done) => setTimeout(done, WAIT));
    }
  };
  const otherwise = () => {  // also on paper, where the form is not
    const chosen = selects.filter((s) => s.value !== own.get(s.name));
    const said = chosen.map((s) => `${s.labels[0].querySelector("span").textContent} ${s.selectedOptions[0].textContent}`);
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = `Asked otherwise than the report: ${said.join("; ")}.`;
    return note;
  };
  const ask = async () => {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking, asked = selects.filter((s) => s.value !== own.get(s.name)).map((s) => [s.name, s.value]);
    remember(asked);
    if (report.firstChild !== made[0]) put(made);  // never one question's answer under another
    if (!asked.length) {
      report.removeAttribute("aria-busy");
      say("");
      return;
    }
    say("Computing. What you see until then is the report.");
    report.setAttribute("aria-busy", "true");
    let told;
    try {
      const got = await answer(asked, signal), text = await got.text();
      const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("#report");
      if (got.ok && fresh && fresh.querySelector("h1") && !fresh.querySelector("[data-unfinished]")) {
        put([otherwise(), ...[...fresh.childNodes].map((node) => document.adoptNode(node))]);
        report.scrollIntoView({ block: "start" });
        told = "Shown above is what you asked. Its address can be shared.";
      } else if (got.status === 503) told = "Too many ask at once. What you see is the report; try again in a minute.";
      else if (got.status === 400 || got.status === 409) told = `${text.replace(/^\d+: |\.$/g, "")}. What you see is the report.`;
      else if (got.status === 401) told = "Your link has ended: open it again, or ask for a new one. What you see is the report.";
      else told = "This could not be computed. What you see is the report.";
    } catch {
      told = "The server did not answer. What you see is the report.";
    }
    if (signal.aborted) return;
    report.removeAttribute("aria-busy");
    say(told);
  };
  const offer = () => {
    const linked = new URL(location).searchParams;
    for (const select of selects) {
      const value = linked.get(select.name);
      if ([...select.options].some((option) => option.value === value)) select.value = value;
    }
    form.addEventListener("change", ask);
    form.addEventListener("reset", () => setTimeout(ask));
    form.hidden = false;
    if (selects.some((select) => select.value !== own.get(select.name))) ask();
  };

  if (location.protocol.startsWith("http")) {  // and only where somebody answers, and may
    fetch(form.getAttribute("action"), { method: "HEAD" }).then((got) => { if (got.status === 200) offer(); }, () => {});
  }
}
