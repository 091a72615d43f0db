/* The tray, help and keys; then the page is shown. */

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
