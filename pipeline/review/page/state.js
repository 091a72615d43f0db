/* The pictures, the decisions about them, and the view: what is shown and how. */

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
function setStored(sha256, decision) {
  for (const one of bySha.get(sha256) ?? []) {
    if (one.decision && one.decision.at !== decision?.at) one.history.unshift({ kind: "decision", ...one.decision });
    one.decision = decision;
  }
}

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
  const seen = bySha.get(sha256)?.[0].decision?.at;
  try {
    const response = await fetch("decisions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name, sha256, decision, reason, seen }),
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
