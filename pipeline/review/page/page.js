"use strict";
(() => {
  const data = JSON.parse(document.getElementById("content").textContent);
  const { settings } = data;
  const byId = (id) => document.getElementById(id);
  const grid = byId("grid");
  const dialogs = { viewer: byId("viewer"), compare: byId("compare"), reject: byId("reject"), help: byId("help") };
  const MOST_COMPARED = 4;
  const FIRST_TILES = 160;
  const MORE_TILES = 240;
  const RELOAD_MS = 4000;
  const NO_COLUMNS = "";

  /* Elements. Texts are only ever set as text. */
  function el(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === undefined || value === null || value === false) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (name in element && name !== "list") element[name] = value;
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  }
  const hidden = (text) => el("span", { className: "hidden" }, text);
  const key = (text) => el("kbd", { "aria-hidden": "true" }, text);

  /* What the browser remembers. Some browsers forbid it for files. */
  const memoryName = (name) => `brandpress/${data.brand}/${data.campaign}/${name}`;
  function remember(name, value, kind = "localStorage") {
    try { window[kind].setItem(memoryName(name), JSON.stringify(value)); } catch { /* then it lasts until the page is closed */ }
  }
  function recall(name, otherwise, kind = "localStorage") {
    try { return JSON.parse(window[kind].getItem(memoryName(name))) ?? otherwise; } catch { return otherwise; }
  }

  /* Pictures */
  const pictures = data.pictures.map((picture, index) => ({
    alt: "", prompt: "", references: [], scores: [], history: [], ...picture, index,
  }));
  const bySha = new Map();
  for (const picture of pictures) {
    bySha.set(picture.sha256, [...(bySha.get(picture.sha256) ?? []), picture]);
    picture.text = [picture.name, picture.prompt, picture.sha256, ...Object.values(picture.axes)].join("\n").toLowerCase();
  }
  const pathOf = (name) => name.split("/").map(encodeURIComponent).join("/");
  const thumbnail = (sha256) => `thumbnails/${encodeURIComponent(sha256)}.webp`;
  const original = (picture) => (settings.pictures === null || settings.pictures === undefined ? null : settings.pictures + pathOf(picture.asset));
  const axisValue = (picture, axis) => (axis === "seed" && !("seed" in picture.axes) ? String(picture.seed) : picture.axes[axis] ?? "");

  /* Decisions: `decision` is what the page came with or the server said, `pending` what isn't in the store yet. */
  const pending = new Map();
  const undone = [];
  function effective(picture) {
    const waiting = pending.get(picture.sha256);
    if (waiting) return waiting.decision === "withdrawn" ? null : waiting;
    return picture.decision ?? null;
  }
  const stateOf = (picture) => effective(picture)?.decision ?? "undecided";
  const setStored = (sha256, decision) => { for (const one of bySha.get(sha256) ?? []) one.decision = decision; };

  if (!settings.served) {
    for (const [sha256, decision] of Object.entries(recall("decisions", {}))) {
      if (bySha.has(sha256)) pending.set(sha256, decision);
    }
  }
  function savePending() {
    if (!settings.served) remember("decisions", Object.fromEntries(pending));
  }

  function decide(picture, decision, reason = "", { undoing = false } = {}) {
    const before = effective(picture);
    if (before?.decision === "picked") {
      announce(`${picture.name} is picked; use brandpress pick --undo first`, true);
      return;
    }
    if (!undoing) undone.push({ sha256: picture.sha256, before });
    const nothing = decision === "withdrawn" && !picture.decision && !sending.has(picture.sha256);
    if (nothing) pending.delete(picture.sha256);
    else pending.set(picture.sha256, { name: picture.name, decision, reason, at: new Date().toISOString(), by: reviewer() });
    const words = decision === "withdrawn" ? "undecided again" : decision + (reason ? `: ${reason}` : "");
    announce(`${picture.name}: ${words}`);
    changed(picture.sha256);
    if (settings.served && !nothing) send(picture.sha256);
  }
  /* One request at a time for each picture, so that decisions arrive in order. What is decided during a request is sent after it. */
  const sending = new Set();
  async function send(sha256) {
    if (sending.has(sha256)) return;
    sending.add(sha256);
    for (let sent = pending.get(sha256); sent; sent = pending.get(sha256)) {
      const problem = await post(sha256, sent);
      if (pending.get(sha256) === sent) pending.delete(sha256);
      if (!pending.has(sha256)) sending.delete(sha256);
      changed(sha256);
      if (problem) announce(`${sent.name}: not saved: ${problem}`, true);
    }
  }
  async function post(sha256, { name, decision, reason }) {
    try {
      const response = await fetch("decisions", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ name, sha256, decision, reason }),
      });
      const answer = await response.json();
      if (response.ok || answer.decision !== undefined) setStored(sha256, answer.decision ?? undefined);
      return response.ok ? "" : answer.error;
    } catch {
      return "the server doesn't answer; is brandpress review --serve still running?";
    }
  }
  function undo() {
    const last = undone.pop();
    const picture = last && bySha.get(last.sha256)?.[0];
    if (!picture) { announce("Nothing to undo", true); return; }
    decide(picture, last.before?.decision ?? "withdrawn", last.before?.reason ?? "", { undoing: true });
    if (!dialogs.viewer.open && !dialogs.compare.open) focusPicture(picture);
  }
  const reviewer = () => settings.by || recall("by", "");

  function changed(sha256) {
    savePending();
    for (const picture of bySha.get(sha256) ?? []) refreshTile(picture);
    showProgress();
    showTray();
    if (dialogs.viewer.open) showPanel();
    if (dialogs.compare.open) refreshPanes();
  }

  /* The file of decisions, in YAML: JSON texts are YAML texts, except for a few characters. */
  const yamlText = (text) => JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
  function decisionFile() {
    const lines = [
      "# apply it with: brandpress decide JOB decisions.yaml",
      "schema: brandpress.decision-file/1",
      `campaign: ${yamlText(data.campaign)}`,
      ...(reviewer() ? [`by: ${yamlText(reviewer())}`] : []),
      "decisions:",
    ];
    for (const [sha256, one] of pending) {
      const reason = one.reason ? `, reason: ${yamlText(one.reason)}` : "";
      lines.push(`- {name: ${yamlText(one.name)}, sha256: "${sha256}", decision: ${one.decision}, at: "${one.at}"${reason}}`);
    }
    return lines.join("\n") + "\n";
  }
  function download() {
    const url = URL.createObjectURL(new Blob([decisionFile()], { type: "application/yaml" }));
    const link = el("a", { href: url, download: "decisions.yaml" });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    announce(`decisions.yaml has ${pending.size} decisions; apply it with brandpress decide`, true);
  }

  /* The view: what is shown and how. It's kept in the address. */
  const axisNames = Object.keys(data.axes);
  const several = axisNames.filter((axis) => data.axes[axis].length > 1);
  const measureNames = Object.keys(data.measures);
  const view = {
    rows: several[0] ?? axisNames[0] ?? "",
    columns: several.slice(1).find((axis) => axis !== "seed" && data.axes[axis].length <= 5) ?? NO_COLUMNS,
    measure: "", sort: "name", worse: "", q: "", state: "all", verdicts: new Set(),
    axes: Object.fromEntries(axisNames.map((axis) => [axis, new Set()])),
  };
  function readAddress() {
    const query = new URLSearchParams(location.hash.slice(1));
    for (const name of ["rows", "columns"]) {
      const axis = query.get(name);
      if (axis !== null && (axis === "" || axisNames.includes(axis))) view[name] = axis;
    }
    if (measureNames.includes(query.get("measure"))) view.measure = query.get("measure");
    if (["name", "worst"].includes(query.get("sort"))) view.sort = query.get("sort");
    view.worse = query.get("worse") ?? "";
    view.q = query.get("q") ?? "";
    if (["undecided", "approved", "rejected", "picked"].includes(query.get("state"))) view.state = query.get("state");
    for (const verdict of query.getAll("verdict")) view.verdicts.add(verdict);
    for (const axis of axisNames) for (const value of query.getAll(`axis.${axis}`)) view.axes[axis].add(value);
    return query.get("picture");
  }
  function writeAddress() {
    const query = new URLSearchParams();
    query.set("rows", view.rows);
    query.set("columns", view.columns);
    if (view.measure) query.set("measure", view.measure);
    if (view.sort !== "name") query.set("sort", view.sort);
    if (view.worse !== "") query.set("worse", view.worse);
    if (view.q) query.set("q", view.q);
    if (view.state !== "all") query.set("state", view.state);
    for (const verdict of view.verdicts) query.append("verdict", verdict);
    for (const axis of axisNames) for (const value of view.axes[axis]) query.append(`axis.${axis}`, value);
    if (dialogs.viewer.open && shown) query.set("picture", shown.name);
    try { history.replaceState(null, "", `#${query}`); } catch { /* a file in some browsers */ }
  }
  function worstScore(picture, measure) {
    const values = picture.scores.filter((score) => score.measure === measure && score.value !== undefined);
    if (!values.length) return null;
    const sign = data.measures[measure]?.better === "lower" ? -1 : 1;
    return values.reduce((worst, score) => (sign * score.value < sign * worst.value ? score : worst));
  }
  function badness(picture) {
    const score = view.measure ? worstScore(picture, view.measure) : null;
    if (!score) return -Infinity;
    return data.measures[view.measure].better === "lower" ? score.value : -score.value;
  }
  function isShown(picture) {
    if (view.state !== "all" && stateOf(picture) !== view.state) return false;
    if (view.verdicts.size && !view.verdicts.has(picture.verdict?.outcome ?? "none")) return false;
    for (const axis of axisNames) {
      if (view.axes[axis].size && !view.axes[axis].has(axisValue(picture, axis))) return false;
    }
    if (view.measure && view.worse !== "") {
      const bound = data.measures[view.measure].better === "lower" ? Number(view.worse) : -Number(view.worse);
      if (!(badness(picture) >= bound)) return false;
    }
    return view.q.toLowerCase().split(/\s+/).every((word) => picture.text.includes(word));
  }

  /* Header */
  function showHeader() {
    const created = new Date(data.created);
    const time = Number.isNaN(created.valueOf()) ? "" : created.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    const swatches = Object.entries(data.palette).map(([name, colour]) => {
      const swatch = el("i", { title: `${name} ${colour}` });
      swatch.style.backgroundColor = colour;
      return swatch;
    });
    byId("header").append(
      el("div", { className: "title" },
        el("h1", {}, data.campaign),
        el("p", { className: "facts" }, [data.brand, data.model, settings.live ? "rendering now" : `manifest ${data.number}`, time].filter(Boolean).join(" · "),
          swatches.length ? el("span", { className: "palette", role: "img", "aria-label": `Palette: ${Object.keys(data.palette).join(", ")}` }, ...swatches) : null)),
      el("div", { className: "progress", id: "progress" }),
      el("div", { className: "tools" },
        el("button", { className: "plain", type: "button", id: "theme", onclick: switchTheme }, "Theme"),
        el("button", { className: "plain", type: "button", onclick: openHelp }, "Help", key("?"))));
  }
  function showProgress() {
    const counts = { approved: 0, rejected: 0, picked: 0, undecided: 0 };
    for (const picture of pictures) counts[stateOf(picture)] += 1;
    const bar = el("div", { className: "bar", "aria-hidden": "true" });
    for (const state of ["approved", "rejected"]) {
      const part = el("i", { className: state });
      const count = counts[state] + (state === "approved" ? counts.picked : 0);
      part.style.width = `${(100 * count) / Math.max(1, pictures.length)}%`;
      bar.append(part);
    }
    const words = [`${number(counts.approved + counts.picked)} approved`, `${number(counts.rejected)} rejected`, `${number(counts.undecided)} to decide`];
    byId("progress").replaceChildren(bar, el("p", {}, words.join(" · ")));
    for (const button of document.querySelectorAll(".segments button")) {
      const count = button.value === "all" ? pictures.length : counts[button.value];
      button.textContent = `${button.dataset.label} ${number(count)}`;
    }
  }
  const number = (value) => value.toLocaleString("en");
  const themes = ["auto", "light", "dark"];
  function applyTheme(theme) {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    byId("theme").replaceChildren({ auto: "◐ Auto", light: "○ Light", dark: "● Dark" }[theme], hidden(" theme"));
  }
  function switchTheme() {
    const theme = themes[(themes.indexOf(recall("theme", "auto")) + 1) % themes.length];
    remember("theme", theme);
    applyTheme(theme);
  }

  /* Toolbar */
  function showToolbar() {
    const select = (label, value, options, change) => el("label", {}, label,
      el("select", { onchange: (event) => change(event.target.value) },
        ...options.map(([name, text]) => el("option", { value: name, selected: name === value }, text))));
    const axes = (none) => [...(none ? [[NO_COLUMNS, none]] : []), ...axisNames.map((axis) => [axis, axis])];
    const states = [["all", "All"], ["undecided", "To decide"], ["approved", "Approved"], ["rejected", "Rejected"]];
    if (pictures.some((picture) => picture.decision?.decision === "picked")) states.push(["picked", "Picked"]);
    const setFilters = (open) => {
      filters.hidden = !open;
      toggle.setAttribute("aria-expanded", String(open));
      byId("toolbar").classList.toggle("open", open);
    };
    const toggle = el("button", { type: "button", "aria-expanded": "false", "aria-controls": "filters", onclick: () => setFilters(filters.hidden) }, "Filters");
    const filters = el("div", { id: "filters", hidden: true });
    byId("toolbar").append(
      el("input", { type: "search", id: "search", placeholder: "Search", value: view.q, "aria-label": "Search names and prompts",
        oninput: (event) => { view.q = event.target.value; later(showGrid); } }),
      el("div", { className: "segments", role: "group", "aria-label": "Decision" },
        ...states.map(([state, label]) => el("button", { type: "button", value: state, "data-label": label, "aria-pressed": String(view.state === state),
          onclick: () => { view.state = state; press(".segments button", state); showGrid(); } }, label))),
      toggle,
      el("div", { className: "end" },
        axisNames.length ? select("Rows", view.rows, axes("none"), (axis) => { view.rows = axis; showGrid(); }) : null,
        axisNames.length ? select("Columns", view.columns, axes("none"), (axis) => { view.columns = axis; showGrid(); }) : null,
        measureNames.length ? select("Measure", view.measure, [["", "none"], ...measureNames.map((name) => [name, name])], (measure) => {
          view.measure = measure;
          view.sort = measure ? "worst" : "name";
          view.worse = "";
          showLimit();
          showGrid();
        }) : null,
        el("label", {}, "Size", el("input", { type: "range", min: "120", max: "460", step: "20", value: String(recall("size", 232)),
          oninput: (event) => { remember("size", Number(event.target.value)); setSize(); } }))),
      filters);
    for (const axis of several) {
      filters.append(chips(axis, data.axes[axis], view.axes[axis]));
    }
    const outcomes = new Set(pictures.map((picture) => picture.verdict?.outcome ?? "none"));
    if (outcomes.size > 1 || !outcomes.has("none")) {
      filters.append(chips("Verdict", ["pass", "warn", "block", "none"].filter((one) => outcomes.has(one)), view.verdicts));
    }
    filters.append(el("div", { id: "limit" }), el("div", {}, el("button", { type: "button", onclick: clearFilters }, "Clear filters")));
    showLimit();
    if (view.verdicts.size || several.some((axis) => view.axes[axis].size)) setFilters(true);
  }
  function showLimit() {
    const measure = data.measures[view.measure];
    const place = byId("limit");
    if (!measure) { place.replaceChildren(); return; }
    const values = pictures.map((picture) => worstScore(picture, view.measure)?.value).filter((value) => value !== undefined);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const step = (most - least) / 100 || 0.01;
    const start = view.worse !== "" ? view.worse : measure.better === "lower" ? least : most;
    const output = el("output", {}, Number(start).toPrecision(3));
    place.replaceChildren(el("fieldset", {}, el("legend", {}, `${view.measure} at ${measure.better === "lower" ? "least" : "most"}`),
      el("input", { type: "range", min: String(least), max: String(most), step: String(step), value: String(start), "aria-label": `Only pictures with ${view.measure} at ${measure.better === "lower" ? "least" : "most"}`,
        oninput: (event) => { view.worse = event.target.value; output.textContent = Number(view.worse).toPrecision(3); later(showGrid); } }),
      output, el("span", { className: "none" }, measure.about)));
  }
  function chips(label, values, chosen) {
    return el("fieldset", {}, el("legend", {}, label), ...values.map((value) =>
      el("button", { type: "button", className: "chip", "aria-pressed": String(chosen.has(value)), onclick: (event) => {
        if (!chosen.delete(value)) chosen.add(value);
        event.target.setAttribute("aria-pressed", String(chosen.has(value)));
        showGrid();
      } }, value)));
  }
  function clearFilters() {
    Object.assign(view, { q: "", state: "all", worse: "" });
    view.verdicts.clear();
    for (const axis of axisNames) view.axes[axis].clear();
    byId("search").value = "";
    for (const chip of document.querySelectorAll(".chip")) chip.setAttribute("aria-pressed", "false");
    press(".segments button", "all");
    showLimit();
    showGrid();
  }
  function press(selector, value) {
    for (const button of document.querySelectorAll(selector)) button.setAttribute("aria-pressed", String(button.value === value));
  }
  const setSize = () => document.documentElement.style.setProperty("--tile", `${matchMedia("(max-width: 720px)").matches ? 150 : recall("size", 232)}px`);
  let timer = 0;
  const later = (action) => { clearTimeout(timer); timer = setTimeout(action, 120); };

  /* Grid: bands for the rows, columns in them. Tiles beyond the first ones are added frame by frame. */
  const tiles = new Map();
  let order = [];
  let building = 0;
  function showGrid() {
    const round = ++building;
    const focused = document.activeElement?.closest?.(".tile")?.dataset.index;
    const chosen = pictures.filter(isShown);
    if (view.sort === "worst" && view.measure) chosen.sort((one, other) => badness(other) - badness(one));
    tiles.clear();
    order = [];
    const waiting = [];
    const bands = [];
    for (const [value, own] of grouped(chosen, view.rows)) {
      const band = el("section", { className: "band" });
      if (view.rows) band.append(el("h2", {}, value || "—", el("small", {}, number(own.length))));
      if (view.columns && view.columns !== view.rows) {
        const values = data.axes[view.columns].filter((one) => chosen.some((picture) => axisValue(picture, view.columns) === one));
        const columns = el("div", { className: "columns" });
        columns.style.setProperty("--n", values.length);
        for (const column of values) {
          const inside = own.filter((picture) => axisValue(picture, view.columns) === column);
          const list = el("ul", { className: "tiles" });
          columns.append(el("div", {}, el("h3", {}, column), inside.length ? list : el("p", { className: "none" }, "none")));
          waiting.push(...inside.map((picture) => [list, picture]));
        }
        const single = values.every((column) => own.filter((picture) => axisValue(picture, view.columns) === column).length <= 1);
        band.append(el("div", { className: single ? "matrix single" : "matrix" }, columns));
      } else {
        const list = el("ul", { className: "tiles" });
        band.append(list);
        waiting.push(...own.map((picture) => [list, picture]));
      }
      bands.push(band);
    }
    order = waiting.map(([, picture]) => picture);
    grid.replaceChildren(...(bands.length ? bands : [el("p", { className: "empty" }, pictures.length ? "No picture matches. " : nothing(),
      pictures.length ? el("button", { type: "button", onclick: clearFilters }, "Clear filters") : null)]));
    let done = 0;
    const fill = (count) => {
      if (round !== building) return;
      for (const [list, picture] of waiting.slice(done, done + count)) list.append(el("li", {}, tileOf(picture)));
      done += count;
      if (done < waiting.length) requestAnimationFrame(() => fill(MORE_TILES));
      else grid.dataset.complete = String(round);
    };
    fill(settings.live ? Infinity : FIRST_TILES);
    byId("summary").textContent = summary();
    if (focused !== undefined) tiles.get(Number(focused))?.focus({ preventScroll: true });
    writeAddress();
  }
  function nothing() {
    const { failed } = data.counts;
    return failed ? `Nothing is delivered: ${number(failed)} failed. brandpress status says why.` : "Nothing is delivered yet.";
  }
  function summary() {
    const { counts } = data;
    const parts = [`${number(order.length)} of ${number(pictures.length)} pictures`];
    if (settings.live) parts.push(`rendering: ${number(counts.done)} of ${number(counts.planned)} done`);
    else if (counts.missing) parts.push(`${number(counts.missing)} not rendered yet`);
    if (counts.unapproved) parts.push(`${number(counts.unapproved)} wait for an approval`);
    if (counts.failed) parts.push(`${number(counts.failed)} failed`);
    if (counts.stale) parts.push(`${number(counts.stale)} of an earlier version of the job`);
    return parts.join(" · ");
  }
  function grouped(chosen, axis) {
    if (!axis) return chosen.length ? [["", chosen]] : [];
    const groups = new Map(data.axes[axis].map((value) => [value, []]));
    for (const picture of chosen) {
      const value = axisValue(picture, axis);
      if (!groups.has(value)) groups.set(value, []);
      groups.get(value).push(picture);
    }
    return [...groups].filter(([, own]) => own.length);
  }
  function tileOf(picture) {
    const image = el("img", { alt: picture.alt, loading: "lazy", decoding: "async", width: picture.width, height: picture.height, src: thumbnail(picture.sha256) });
    const tile = el("button", { type: "button", className: "tile", "data-index": picture.index, onclick: () => openViewer(picture) },
      el("span", { className: "frame" }, image, el("span", { className: "flags" })),
      el("span", { className: "text" }, el("span", { className: "name", title: picture.name }, picture.name), el("span", { className: "value" })));
    tiles.set(picture.index, tile);
    refreshTile(picture);
    return tile;
  }
  const MARKS = { approved: "✓", rejected: "✕", picked: "★" };
  function refreshTile(picture) {
    const tile = tiles.get(picture.index);
    if (!tile) return;
    const state = stateOf(picture);
    tile.className = ["tile", state, compared.includes(picture) ? "selected" : ""].filter(Boolean).join(" ");
    const frame = tile.querySelector(".frame");
    frame.querySelector(".badge")?.remove();
    if (MARKS[state]) frame.append(el("span", { className: "badge" }, el("span", { "aria-hidden": "true" }, MARKS[state]), hidden(state)));
    const flags = [];
    const outcome = picture.verdict?.outcome;
    if (outcome === "warn" || outcome === "block") flags.push(el("span", { className: `flag ${outcome}` }, outcome));
    if (picture.verdict?.review?.length) flags.push(el("span", { className: "flag" }, "sample"));
    if (picture.listed_as) flags.push(el("span", { className: "flag" }, picture.listed_as));
    if (picture.stale) flags.push(el("span", { className: "flag" }, "stale"));
    if (compared.includes(picture)) flags.push(el("span", { className: "flag" }, "compare"));
    frame.querySelector(".flags").replaceChildren(...flags);
    const score = view.measure ? worstScore(picture, view.measure) : null;
    tile.querySelector(".value").textContent = score ? score.value.toPrecision(3) : "";
  }
  function focusPicture(picture) {
    const tile = tiles.get(picture.index);
    tile?.focus();
    tile?.scrollIntoView({ block: "nearest" });
  }
  const focusedPicture = () => {
    const tile = document.activeElement?.closest?.(".tile");
    return tile ? pictures[Number(tile.dataset.index)] : null;
  };
  /* The picture to the right (step 1) or left (-1) as people see it; at the end of a line, that of the next line. */
  function beside(boxes, box, step) {
    let best = null;
    for (const [picture, { left, top }] of boxes) {
      const sameLine = Math.abs(top - box.top) < box.height / 2;
      if (sameLine ? step * (left - box.left) <= 0 : step * (top - box.top) < 0) continue;
      const distance = sameLine ? 0 : step * (top - box.top);
      const [lower, across] = best ? [distance - best.distance, step * (left - best.left)] : [-Infinity, 0];
      if (lower < -1 || (lower <= 1 && across < 0)) best = { picture, distance, left };
    }
    return best?.picture;
  }
  function moveFocus(name) {
    const current = focusedPicture();
    if (!current) { if (order.length) focusPicture(order[0]); return; }
    const boxes = order.map((picture) => [picture, tiles.get(picture.index)?.getBoundingClientRect()]).filter(([, other]) => other);
    const box = tiles.get(current.index).getBoundingClientRect();
    if (name === "ArrowLeft" || name === "ArrowRight") {
      const next = beside(boxes, box, name === "ArrowRight" ? 1 : -1);
      if (next) focusPicture(next);
      return;
    }
    const down = name === "ArrowDown";
    let best = null;
    for (const [picture, other] of boxes) {
      const distance = down ? other.top - box.top : box.top - other.top;
      if (distance < box.height / 2) continue;
      const sideways = Math.abs(other.left + other.width / 2 - box.left - box.width / 2);
      const cost = distance + 3 * Math.max(0, sideways - box.width / 2);
      if (!best || cost < best.cost) best = { picture, cost };
    }
    if (best) focusPicture(best.picture);
  }

  /* Zoom, shared by all stages of a dialog: the part of the picture in the middle, as shares of its sides, and a scale. */
  function zoomable(stages) {
    const zoom = { scale: 1, x: 0.5, y: 0.5 };
    const fitted = (image) => {
      const [width, height] = [image.clientWidth, image.clientHeight];
      const ratio = (image.naturalWidth || 1) / (image.naturalHeight || 1);
      return width / height > ratio ? [height * ratio, height] : [width, width / ratio];
    };
    function apply() {
      if (zoom.scale <= 1) Object.assign(zoom, { scale: 1, x: 0.5, y: 0.5 });
      zoom.x = Math.min(1, Math.max(0, zoom.x));
      zoom.y = Math.min(1, Math.max(0, zoom.y));
      for (const stage of stages) {
        const image = stage.querySelector("img");
        const [width, height] = fitted(image);
        image.style.transform = `translate(${(0.5 - zoom.x) * width * zoom.scale}px, ${(0.5 - zoom.y) * height * zoom.scale}px) scale(${zoom.scale})`;
        stage.classList.toggle("zoomed", zoom.scale > 1);
        stage.dataset.scale = zoom.scale.toFixed(3);
      }
    }
    function by(factor, stage = stages[0], point = null) {
      const image = stage.querySelector("img");
      const [width, height] = fitted(image);
      const box = stage.getBoundingClientRect();
      const from = point ? [point[0] - box.left - box.width / 2, point[1] - box.top - box.height / 2] : [0, 0];
      const scale = Math.min(16, Math.max(1, zoom.scale * factor));
      zoom.x += (from[0] / width) * (1 / zoom.scale - 1 / scale);
      zoom.y += (from[1] / height) * (1 / zoom.scale - 1 / scale);
      zoom.scale = scale;
      apply();
    }
    function pan(dx, dy, stage = stages[0]) {
      const [width, height] = fitted(stage.querySelector("img"));
      zoom.x -= dx / width / zoom.scale;
      zoom.y -= dy / height / zoom.scale;
      apply();
    }
    function toggle(stage = stages[0], point = null) {
      const image = stage.querySelector("img");
      const full = (image.naturalWidth || 1) / fitted(image)[0] / (window.devicePixelRatio || 1);
      by(zoom.scale > 1 ? 0 : Math.max(2, full), stage, point);
    }
    for (const stage of stages) {
      const pointers = new Map();
      stage.addEventListener("dragstart", (event) => event.preventDefault());
      let moved = 0;
      stage.addEventListener("wheel", (event) => {
        event.preventDefault();
        by(Math.exp(-event.deltaY / 400), stage, [event.clientX, event.clientY]);
      }, { passive: false });
      stage.addEventListener("pointerdown", (event) => {
        if (event.target.closest("button")) return;
        stage.setPointerCapture(event.pointerId);
        pointers.set(event.pointerId, [event.clientX, event.clientY]);
        moved = pointers.size > 1 ? Infinity : 0;
      });
      stage.addEventListener("pointermove", (event) => {
        const before = pointers.get(event.pointerId);
        if (!before) return;
        const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
        const now = [event.clientX, event.clientY];
        if (other) {
          const [far, near] = [Math.hypot(now[0] - other[0], now[1] - other[1]), Math.hypot(before[0] - other[0], before[1] - other[1])];
          if (near) by(far / near, stage, [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
        } else if (zoom.scale > 1) pan(now[0] - before[0], now[1] - before[1], stage);
        moved += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
        pointers.set(event.pointerId, now);
      });
      stage.addEventListener("pointerup", (event) => {
        if (pointers.delete(event.pointerId) && moved < 6) toggle(stage, [event.clientX, event.clientY]);
      });
      stage.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
    }
    return { by, pan, toggle, apply, get scale() { return zoom.scale; } };
  }
  function stageOf(picture) {
    const image = el("img", { alt: picture.alt });
    image.style.backgroundImage = `url("${thumbnail(picture.sha256)}")`;
    const source = original(picture);
    image.addEventListener("load", () => { if (image.src.includes("/thumbnails/") === false) image.style.backgroundImage = "none"; }, { once: true });
    image.addEventListener("error", () => { image.src = thumbnail(picture.sha256); }, { once: true });
    image.src = source ?? thumbnail(picture.sha256);
    return el("div", { className: "stage" }, image);
  }
  function controls(zoom) {
    return el("div", { className: "controls", role: "group", "aria-label": "Zoom" },
      el("button", { type: "button", className: "icon", "aria-label": "Zoom out", onclick: () => zoom().by(1 / 1.5) }, "−"),
      el("button", { type: "button", className: "icon", "aria-label": "Zoom in", onclick: () => zoom().by(1.5) }, "+"),
      el("button", { type: "button", onclick: () => zoom().toggle() }, "Zoom", key("Z")));
  }

  /* One picture */
  let shown = null;
  let viewerZoom = null;
  function openViewer(picture, zoomed = false) {
    shown = picture;
    const open = dialogs.viewer.open;
    const stage = stageOf(picture);
    viewerZoom = zoomable([stage]);
    stage.append(controls(() => viewerZoom));
    const at = order.indexOf(picture);
    const step = (offset, label, text) => el("button", { type: "button", className: "icon plain", "aria-label": label, disabled: !order[at + offset], onclick: () => openViewer(order[at + offset]) }, text);
    dialogs.viewer.replaceChildren(
      el("div", { className: "top" }, step(-1, "Previous picture", "←"), step(1, "Next picture", "→"),
        el("h2", { title: picture.name }, picture.name), el("span", { className: "count" }, at >= 0 ? `${number(at + 1)} of ${number(order.length)}` : ""),
        el("button", { type: "button", className: "icon plain", "aria-label": "Close", onclick: () => dialogs.viewer.close() }, "✕")),
      stage, el("aside", { className: "panel", tabIndex: 0, "aria-label": "About this picture" }));
    showPanel();
    dialogs.viewer.setAttribute("aria-label", picture.name);
    if (!open) dialogs.viewer.showModal();
    dialogs.viewer.querySelector(".panel").focus({ preventScroll: true });
    for (const next of [order[at + 1], order[at - 1]]) if (next && original(next)) new Image().src = original(next);
    if (zoomed) {
      const image = stage.querySelector("img");
      if (image.complete) viewerZoom.toggle();
      else image.addEventListener("load", () => viewerZoom.toggle(), { once: true });
    }
    writeAddress();
  }
  dialogs.viewer.addEventListener("close", () => { writeAddress(); if (shown) { focusPicture(shown); } });
  function showPanel() {
    const picture = shown;
    const panel = dialogs.viewer.querySelector(".panel");
    const hadFocus = panel.contains(document.activeElement) ? document.activeElement.dataset.action : undefined;
    const parts = [actionsOf(picture)];
    if (picture.verdict) parts.push(verdictOf(picture.verdict));
    if (picture.scores.length) parts.push(block("Scores", ...picture.scores.map(scoreOf)));
    if (picture.references.length) parts.push(block("References", el("div", { className: "references" }, ...picture.references.map(referenceOf))));
    parts.push(block("Prompt", el("p", { className: "prompt" }, picture.prompt || "—")));
    if (picture.negative_prompt) parts.push(block("Negative prompt", el("p", { className: "prompt" }, picture.negative_prompt)));
    parts.push(block("Picture", factsOf(picture)));
    if (picture.history.length) parts.push(block("History", el("ol", { className: "history" }, ...picture.history.map(historyOf))));
    panel.replaceChildren(...parts);
    if (hadFocus) panel.querySelector(`[data-action="${hadFocus}"]`)?.focus();
  }
  const block = (title, ...children) => el("section", {}, el("h3", {}, title), ...children);
  function actionsOf(picture) {
    const decision = effective(picture);
    const state = decision?.decision;
    return el("div", { className: "actions" },
      el("button", { type: "button", className: "approve", "data-action": "approve", "aria-pressed": String(state === "approved"), disabled: state === "picked", onclick: () => approve(picture) }, state === "approved" ? "Approved" : "Approve", key("A")),
      el("button", { type: "button", className: "reject", "data-action": "reject", "aria-pressed": String(state === "rejected"), disabled: state === "picked", onclick: () => openReject(picture) }, state === "rejected" ? "Rejected" : "Reject", key("R")),
      el("button", { type: "button", "data-action": "compare", "aria-pressed": String(compared.includes(picture)), onclick: () => toggleCompared(picture) }, compared.includes(picture) ? "In comparison" : "Compare", key("C")),
      el("button", { type: "button", "data-action": "undo", disabled: !undone.length, onclick: undo }, "Undo", key("U")),
      decision ? el("p", { className: "decided" }, el("b", {}, state), decision.by ? ` by ${decision.by}` : "", decision.at ? `, ${timeOf(decision.at)}` : "", decision.reason ? `: ${decision.reason}` : "") : null);
  }
  function verdictOf(verdict) {
    return block("Quality gate", el("span", { className: `flag ${verdict.outcome}` }, verdict.outcome),
      el("ul", { className: "reasons" }, ...verdict.reasons.map((reason) => el("li", {}, `${reason.measure}${reason.subject ? ` of ${reason.subject}` : ""}: ${reason.text}`)),
        ...(verdict.review ?? []).map((measure) => el("li", {}, `${measure}: chosen at random for people to look at`))));
  }
  function scoreOf(score) {
    const measure = data.measures[score.measure];
    const label = `${score.measure}${score.subject ? ` · ${score.subject}` : ""}`;
    if (score.value === undefined) return el("div", { className: "score" }, el("span", {}, label), el("span", { className: "value" }, "—"), score.reason ? el("small", {}, score.reason) : null);
    const [least, most] = measure ? [measure.least, measure.most] : [0, 1];
    const share = (value) => `${100 * Math.min(1, Math.max(0, (value - least) / (most - least || 1)))}%`;
    const bar = el("i");
    bar.style.width = share(score.value);
    const track = el("span", { className: "track", "aria-hidden": "true" }, bar);
    if (score.threshold !== undefined) {
      const limit = el("b");
      limit.style.left = share(score.threshold);
      track.append(limit);
    }
    const limitText = score.threshold === undefined ? "" : ` / ${score.threshold.toPrecision(3)}`;
    return el("div", { className: score.missed ? "score missed" : "score" }, el("span", { title: measure?.about ?? "" }, label),
      el("span", { className: "value" }, score.value.toPrecision(3) + limitText, score.missed ? hidden(", misses its threshold") : null), track);
  }
  function referenceOf(sha256) {
    const reference = data.references[sha256];
    return el("figure", {}, reference.shown ? el("img", { src: thumbnail(sha256), alt: `Reference picture ${reference.file}`, loading: "lazy" }) : el("span", { className: "blank" }),
      el("figcaption", {}, `${reference.role}: ${reference.file}`));
  }
  function factsOf(picture) {
    const rows = Object.entries(picture.axes).map(([axis, value]) => [axis, value]);
    rows.push(["seed", String(picture.seed)]);
    if (picture.width) rows.push(["size", `${picture.width} × ${picture.height}`]);
    if (picture.bytes) rows.push(["file", `${(picture.bytes / 1e6).toPrecision(2)} MB`]);
    if (picture.steps !== undefined) rows.push(["steps", `${picture.steps}${picture.guidance !== undefined ? `, guidance ${picture.guidance}` : ""}`]);
    if (picture.seconds !== undefined) rows.push(["rendered in", `${picture.seconds} s`]);
    if (picture.created) rows.push(["created", timeOf(picture.created)]);
    if (picture.stale) rows.push(["stale", "of an earlier version of the job, or rejected"]);
    if (picture.listed_as) rows.push(["not published", { unapproved: "it waits for an approval", dropped: "the quality gate blocks it" }[picture.listed_as]]);
    rows.push(["SHA-256", picture.sha256.slice(0, 16) + "…"]);
    const list = el("dl", { className: "facts-list" });
    for (const [name, value] of rows) list.append(el("dt", {}, name), el("dd", {}, value));
    const source = original(picture);
    if (source) list.append(el("dt", {}, "original"), el("dd", {}, el("a", { href: source, target: "_blank", rel: "noopener noreferrer" }, "open")));
    else list.append(el("dt", {}, "original"), el("dd", {}, "brandpress review --serve shows it"));
    return list;
  }
  function historyOf(entry) {
    const when = entry.at ? timeOf(entry.at) : "";
    const what = {
      decision: () => `${entry.decision} by ${entry.by}${entry.reason ? `: ${entry.reason}` : ""}`,
      picture: () => `earlier picture, seed ${entry.seed}`,
      attempt: () => `attempt with seed ${entry.seed}: ${entry.outcome}${entry.reason ? `: ${entry.reason}` : ""}`,
    }[entry.kind]();
    const source = entry.asset && original(entry);
    return el("li", {}, source ? el("a", { href: source, target: "_blank", rel: "noopener noreferrer" }, what) : what, when ? el("small", {}, when) : null);
  }
  function timeOf(text) {
    const time = new Date(text);
    return Number.isNaN(time.valueOf()) ? text : time.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  }

  function approve(picture) {
    if (stateOf(picture) !== "approved") decide(picture, "approved");
  }

  /* Rejection with a reason */
  function openReject(picture) {
    if (stateOf(picture) === "picked") { decide(picture, "rejected"); return; }
    const own = el("input", { type: "text", maxLength: 2000, id: "own-reason", autocomplete: "off" });
    const radios = data.reasons.map((reason, at) => el("label", {}, el("input", { type: "radio", name: "reason", value: reason }), reason, key(String(at + 1))));
    const finish = (event) => {
      event.preventDefault();
      const reason = own.value.trim() || dialogs.reject.querySelector("input[name=reason]:checked")?.value || "";
      dialogs.reject.close();
      decide(picture, "rejected", reason);
    };
    const form = el("form", { onsubmit: finish },
      el("h2", { id: "reject-title" }, `Reject ${picture.name}`),
      el("div", { role: "radiogroup", "aria-label": "Reason" }, ...radios),
      el("label", { className: "own", htmlFor: "own-reason" }, "In your own words", own),
      el("p", { className: "none" }, "The next render replaces it by a picture with the next seed."),
      el("div", { className: "buttons" }, el("button", { type: "button", onclick: () => dialogs.reject.close() }, "Cancel"), el("button", { type: "submit", className: "primary" }, "Reject")));
    form.addEventListener("keydown", (event) => {
      const at = Number(event.key) - 1;
      if (event.target === own) return;
      if (!(at >= 0 && at < data.reasons.length)) {
        const types = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
        if (types) own.focus();  // which then receives the key
        return;
      }
      const radio = radios[at].querySelector("input");
      radio.checked = true;
      radio.focus();
    });
    dialogs.reject.replaceChildren(form);
    dialogs.reject.showModal();
    form.querySelector("input").focus();
  }

  /* Comparison */
  const compared = [];
  function toggleCompared(picture) {
    const at = compared.indexOf(picture);
    if (at >= 0) compared.splice(at, 1);
    else if (compared.length === MOST_COMPARED) { announce(`At most ${MOST_COMPARED} pictures can be compared`, true); return; }
    else compared.push(picture);
    announce(at >= 0 ? `${picture.name} is no longer compared` : `${picture.name} added to the comparison, ${compared.length} of ${MOST_COMPARED}`);
    refreshTile(picture);
    showTray();
    if (dialogs.viewer.open) showPanel();
  }
  let compareZoom = null;
  let pane = 0;
  function openCompare() {
    if (compared.length < 2) { announce("Choose at least two pictures to compare, with C", true); return; }
    const stages = compared.map(stageOf);
    compareZoom = zoomable(stages);
    stages[stages.length - 1].append(controls(() => compareZoom));
    const panes = el("div", { className: `panes ${["two", "three", "four"][compared.length - 2]}` },
      ...compared.map((picture, at) => el("section", { className: "pane", "aria-label": picture.name }, stages[at], el("div", { className: "foot" }))));
    panes.style.setProperty("--n", compared.length);
    dialogs.compare.replaceChildren(
      el("div", { className: "top" }, el("h2", {}, `${compared.length} pictures`), el("span", { className: "count" }, "zoom and position are shared"),
        el("button", { type: "button", className: "icon plain", "aria-label": "Close", onclick: () => dialogs.compare.close() }, "✕")), panes);
    pane = 0;
    refreshPanes();
    if (dialogs.viewer.open) dialogs.viewer.close();
    dialogs.compare.showModal();
    focusPane(0);
  }
  function refreshPanes() {
    const focused = document.activeElement?.closest?.(".pane") ? document.activeElement.dataset.action : undefined;
    dialogs.compare.querySelectorAll(".pane").forEach((element, at) => {
      const picture = compared[at];
      const decision = effective(picture);
      const state = decision?.decision;
      const score = view.measure ? worstScore(picture, view.measure) : null;
      element.querySelector(".foot").replaceChildren(
        el("span", { className: "name", title: picture.name }, picture.name),
        el("button", { type: "button", className: "approve", "data-action": "approve", "aria-pressed": String(state === "approved"), disabled: state === "picked", onclick: () => approve(picture), onfocus: () => markPane(at) }, state === "approved" ? "Approved" : "Approve", at === pane ? key("A") : null),
        el("button", { type: "button", className: "reject", "data-action": "reject", "aria-pressed": String(state === "rejected"), disabled: state === "picked", onclick: () => openReject(picture), onfocus: () => markPane(at) }, state === "rejected" ? "Rejected" : "Reject", at === pane ? key("R") : null),
        el("span", { className: "none" }, [`seed ${picture.seed}`, picture.verdict?.outcome, score ? `${view.measure} ${score.value.toPrecision(3)}` : ""].filter(Boolean).join(" · ")));
      element.classList.toggle("current", at === pane);
      if (focused && at === pane) element.querySelector(`[data-action="${focused}"]`)?.focus();
    });
  }
  function markPane(at) {
    if (pane === at) return;
    pane = at;
    dialogs.compare.querySelectorAll(".pane").forEach((element, one) => element.classList.toggle("current", one === at));
  }
  function focusPane(at) {
    pane = (at + compared.length) % compared.length;
    refreshPanes();
    dialogs.compare.querySelectorAll(".pane")[pane].querySelector("button.approve").focus();
  }

  /* Tray at the bottom: what is compared, and what isn't in the store yet */
  function showTray() {
    const parts = [];
    if (compared.length) {
      parts.push(el("div", {}, ...compared.map((picture) => el("button", { type: "button", className: "thumb", "aria-label": `Remove ${picture.name} from the comparison`, onclick: () => toggleCompared(picture) },
        el("img", { src: thumbnail(picture.sha256), alt: "" }))),
      el("button", { type: "button", className: "primary", disabled: compared.length < 2, onclick: openCompare }, `Compare ${compared.length}`, key("⇧C")),
      el("button", { type: "button", className: "plain", onclick: () => { for (const picture of compared.splice(0)) refreshTile(picture); showTray(); } }, "Clear")));
    }
    if (!settings.served && pending.size) {
      parts.push(el("div", {}, `${number(pending.size)} new ${pending.size === 1 ? "decision" : "decisions"}`,
        el("label", {}, "by", el("input", { type: "text", value: recall("by", ""), maxLength: 200, placeholder: "name", autocomplete: "name", onchange: (event) => remember("by", event.target.value.trim()) })),
        el("button", { type: "button", className: "primary", id: "download", onclick: download }, "Download", hidden(" decisions.yaml"))));
    }
    byId("tray").replaceChildren(...parts, ...(toast ? [toast] : []));
  }
  let toast = null;
  let toastTimer = 0;
  function announce(text, visible = false) {
    byId("announcer").textContent = text;
    if (!visible) return;
    toast = el("div", { className: "toast" }, text);
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => { toast = null; showTray(); }, 6000);
    showTray();
  }

  /* Help and keys */
  const KEYS = [["← → ↑ ↓", "move between pictures"], ["Enter", "open the picture"], ["A", "approve"], ["R", "reject, with a reason"], ["U", "undo"], ["C", "add to the comparison, or remove"], ["⇧ C", "compare"], ["Z", "zoom to full size and back"], ["+ −", "zoom in and out"], ["⇧ ← → ↑ ↓", "move the zoomed picture"], ["/", "search"], ["Esc", "close"], ["?", "this help"]];
  function openHelp() {
    const list = el("dl");
    for (const [name, meaning] of KEYS) list.append(el("dt", {}, el("kbd", {}, name)), el("dd", {}, meaning));
    const where = settings.served ? `Decisions are saved to the store as ${settings.by}.` : "Decisions stay in this browser until you download decisions.yaml; brandpress decide JOB decisions.yaml applies them.";
    dialogs.help.replaceChildren(el("h2", { id: "help-title" }, "Keys"), list,
      el("label", { className: "option" }, el("input", { type: "checkbox", checked: recall("keys", true), onchange: (event) => remember("keys", event.target.checked) }), "Use keys of single letters"),
      el("p", { className: "none" }, where),
      el("div", { className: "buttons" }, el("button", { type: "button", className: "primary", onclick: () => dialogs.help.close() }, "Close")));
    dialogs.help.showModal();
  }
  const ARROWS = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  document.addEventListener("keydown", (event) => {
    const writing = event.target.matches?.("input, select, textarea");
    if (event.ctrlKey || event.metaKey || event.altKey || writing || dialogs.reject.open || dialogs.help.open) return;
    const comparing = dialogs.compare.open;
    const viewing = !comparing && dialogs.viewer.open;
    const picture = comparing ? compared[pane] : viewing ? shown : focusedPicture();
    const zoom = comparing ? compareZoom : viewing ? viewerZoom : null;
    const handled = () => event.preventDefault();
    if (event.key in ARROWS) {
      if (event.shiftKey && zoom) { handled(); zoom.pan(...ARROWS[event.key]); return; }
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
      if (comparing) { if (step) { handled(); focusPane(pane + step); } return; }
      if (viewing) {
        const next = step && order[order.indexOf(shown) + step];
        if (next) { handled(); openViewer(next); }
        return;
      }
      if (event.target === document.body || event.target === grid || picture) { handled(); moveFocus(event.key); }
      return;
    }
    if (!recall("keys", true) && event.key.length === 1) return;
    if (zoom && (event.key === "+" || event.key === "=")) { handled(); zoom.by(1.5); return; }
    if (zoom && event.key === "-") { handled(); zoom.by(1 / 1.5); return; }
    switch (event.key) {
      case "a": if (picture) { handled(); approve(picture); } break;
      case "r": if (picture) { handled(); openReject(picture); } break;
      case "u": handled(); undo(); break;
      case "c": if (picture && !comparing) { handled(); toggleCompared(picture); } break;
      case "C": if (!comparing) { handled(); openCompare(); } break;
      case "z": if (zoom) { handled(); zoom.toggle(); } else if (picture) { handled(); openViewer(picture, true); } break;
      case "/": if (!zoom) { handled(); byId("search").focus(); } break;
      case "?": handled(); openHelp(); break;
      default:
    }
  });
  window.addEventListener("resize", () => { setSize(); (dialogs.compare.open ? compareZoom : viewerZoom)?.apply(); });
  window.addEventListener("beforeunload", () => { if (settings.live) remember("scroll", window.scrollY, "sessionStorage"); });

  const first = readAddress();
  setSize();
  showHeader();
  applyTheme(recall("theme", "auto"));
  showToolbar();
  showProgress();
  showGrid();
  showTray();
  const opened = first && pictures.find((picture) => picture.name === first);
  if (opened) openViewer(opened);
  if (settings.live) {
    window.scrollTo(0, recall("scroll", 0, "sessionStorage"));
    setInterval(() => {
      const busy = compared.length || Object.values(dialogs).some((dialog) => dialog.open) || document.activeElement?.matches("input, select");
      if (!busy && !document.hidden) location.reload();
    }, RELOAD_MS);
  }
})();
