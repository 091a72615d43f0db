/* The dialogs: one picture, its rejection, and the comparison of several, with their zoom. */

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
