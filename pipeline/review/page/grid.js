/* The header, the toolbar with filters, and the grid. */

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
  const picked = counts.picked ? [`${number(counts.picked)} picked`] : [];
  const words = [`${number(counts.approved)} approved`, ...picked, `${number(counts.rejected)} rejected`, `${number(counts.undecided)} to decide`];
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
