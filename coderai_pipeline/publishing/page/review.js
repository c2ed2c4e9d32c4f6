"use strict";
/* The review page. State: `verdicts`, cell id -> what the reviewer said; kept in IndexedDB where the browser allows it, a record a cell.
   localStorage will not do: Chromium shows a reloaded file:// page an empty or an older one, some of the time. */
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const VERDICTS = { correct: "Correct", incorrect: "Incorrect", partially_correct: "Partly" };
const STORE = `coderai-review:${data.project}:${data.blind ? "blind" : "open"}`;
const idOf = (cell) => JSON.stringify([cell.document, cell.entity, cell.variable, cell.cell]);
const cells = data.cells.map((cell) => ({ ...cell, id: idOf(cell) }));
let verdicts = {}, reviewer = "", shown = cells, current = null, drawn = null, store = null;

function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(STORE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = asked.onblocked = () => reject(asked.error);
  });
}

/* What was kept before the page was left: the reviewer's name under "reviewer", what was said of a cell under its id. */
async function load() {
  try {
    store = await opened();
    const kept = await new Promise((resolve, reject) => {
      const found = {}, each = store.transaction("kept").objectStore("kept").openCursor();
      each.onsuccess = () => {
        if (!each.result) { resolve(found); return; }
        found[each.result.key] = each.result.value;
        each.result.continue();
      };
      each.onerror = () => reject(each.error);
    });
    ({ reviewer = "", ...verdicts } = kept);
  } catch { keepsNothing(); }
}

function keepsNothing() {
  store = null;
  note("This browser keeps nothing: download the feedback before you close the page.");
}

function keep(key, value) {
  if (!store) return;
  try {
    const writing = store.transaction("kept", "readwrite", { durability: "strict" });
    writing.onabort = keepsNothing;
    if (value === undefined) writing.objectStore("kept").delete(key); else writing.objectStore("kept").put(value, key);
    writing.commit();
  } catch { keepsNothing(); }
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "checked" || name === "value" || name === "selected") element[name] = value;
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function note(text) { byId("notes").append(text + "\n"); }

/* What was said of a cell: {verdict, corrected, note}; corrected is absent, or text, or a list where several are taken. */
const said = (cell) => verdicts[cell.id] || {};
const isDone = (cell) => (data.blind ? said(cell).corrected !== undefined : Boolean(said(cell).verdict));

function say(changes) {
  if (!current) return;
  const now = { ...said(current), ...changes };
  for (const name of Object.keys(now)) if (now[name] === undefined || now[name] === "") delete now[name];
  if (Object.keys(now).length) verdicts[current.id] = now; else delete verdicts[current.id];
  keep(current.id, verdicts[current.id]);
  drawVerdict();
  drawItem(current);
  drawProgress();
}

/* ---- the list ---- */
const SHOW = {
  all: ["everything", () => true],
  open: ["not judged yet", (cell) => !isDone(cell)],
  done: ["judged", isDone],
  flagged: ["flagged or failed", (cell) => cell.status === "flagged" || cell.status === "failed"],
  low: ["low confidence", (cell) => cell.why.includes("low confidence")],
  sample: ["audit sample", (cell) => cell.inclusion_probability !== null],
};

function fillFilters() {
  const kinds = data.blind ? ["all", "open", "done"] : Object.keys(SHOW);
  byId("show").append(...kinds.map((kind) => make("option", { value: kind }, SHOW[kind][0])));
  const variables = Object.entries(data.variables).map(([name, variable]) => make("option", { value: name }, variable.label));
  byId("variable").append(make("option", { value: "" }, "all"), ...variables);
  const documents = Object.entries(data.documents).map(([key, one]) => make("option", { value: key }, one.source));
  byId("document").append(make("option", { value: "" }, "all"), ...documents);
  for (const id of ["show", "variable", "document"]) byId(id).addEventListener("change", filter);
}

function filter() {
  const [, wanted] = SHOW[byId("show").value];
  const variable = byId("variable").value, key = byId("document").value;
  shown = cells.filter((cell) => wanted(cell) && (!variable || cell.variable === variable) && (!key || cell.document === key));
  byId("count").textContent = `${shown.length} of ${cells.length} cells`;
  byId("cells").replaceChildren(...shown.map(item));
  if (!shown.includes(current)) select(shown[0] || null); else drawItem(current);
}

function item(cell) {
  const entry = make("li", { onclick: () => select(cell) });
  cell.item = entry;
  fillItem(cell);
  return entry;
}

function fillItem(cell) {
  const verdict = data.blind && isDone(cell) ? "done" : said(cell).verdict;
  const mark = verdict ? make("span", { class: `done ${verdict}` }, VERDICTS[verdict] || "✓") : null;
  const row = cell.entity ? ` · row ${cell.entity}` : "";
  const label = make("b", { dir: "auto" }, data.variables[cell.variable].label + (cell.value === null ? "" : `: ${cell.value}`));
  const place = make("small", { dir: "auto" }, data.documents[cell.document].source + row);
  cell.item.replaceChildren(...[mark, label, place, data.blind ? null : make("small", {}, cell.why)].filter(Boolean));
}

function drawItem(cell) {
  if (!cell.item) return;
  fillItem(cell);
  if (cell === current) cell.item.setAttribute("aria-current", "true"); else cell.item.removeAttribute("aria-current");
}

function drawProgress() {
  const done = cells.filter(isDone).length;
  byId("progress").textContent = `${done} of ${cells.length} judged`;
  byId("download").disabled = !Object.keys(verdicts).length;
}

function select(cell) {
  const before = current;
  current = cell;
  if (before) drawItem(before);
  byId("panel").hidden = !cell;
  if (!cell) { byId("text").replaceChildren(); drawn = null; return; }
  drawItem(cell);
  cell.item.scrollIntoView({ block: "nearest" });
  drawFacts();
  drawEntry();
  drawVerdict();
  byId("note").value = said(cell).note || "";
  drawText();
}

function step(by) {
  const next = shown[shown.indexOf(current) + by];
  if (next) select(next);
}

/* ---- the cell ---- */
function drawFacts() {
  const variable = data.variables[current.variable];
  const rows = [["Variable", variable.label], ["Document", data.documents[current.document].source], ["Row", current.entity], ["Begins", current.passage]];
  if (variable.instructions) rows.push(["Asked for", variable.instructions]);
  if (!data.blind) {
    const confidence = current.confidence === null ? "" : `${Math.round(current.confidence * 100)} %`;
    rows.push(["Value", current.value ?? data.noValue, "value"], ["Quote", current.quote], ["Page", current.page],
      ["Status", current.status], ["Reason", current.reason], ["Confidence", confidence], ["Here as", current.why]);
  }
  const list = make("dl");
  for (const [name, value, kind] of rows) {
    if (value !== null && value !== "") list.append(make("dt", {}, name), make("dd", { dir: "auto", class: kind || "" }, String(value)));
  }
  byId("facts").replaceChildren(list);
}

function drawVerdict() {
  if (data.blind) return;
  for (const button of byId("verdicts").children) {
    button.setAttribute("aria-pressed", String(said(current).verdict === button.dataset.verdict));
  }
}

function judge(verdict) {
  const same = said(current).verdict === verdict;
  say(verdict === "correct" ? { verdict: same ? undefined : verdict, corrected: undefined } : { verdict: same ? undefined : verdict });
  if (verdict === "correct") drawEntry();
}

/* Of a correct value nothing more is to be said: the key for it goes on to the next cell. */
function confirm() {
  judge("correct");
  if (isDone(current)) step(1);
}

/* A corrected value says that the old one is wrong. */
function correct(corrected) {
  const empty = corrected === "" || (Array.isArray(corrected) && !corrected.length);
  if (empty) { say({ corrected: undefined }); return; }
  const verdict = said(current).verdict;
  say({ corrected, ...(data.blind ? {} : { verdict: !verdict || verdict === "correct" ? "incorrect" : verdict }) });
}

function drawEntry() {
  const variable = data.variables[current.variable];
  const corrected = said(current).corrected;
  const title = (data.blind ? "Your value" : "Corrected value") + (variable.unit ? ` (${variable.unit})` : "");
  const isNone = corrected === data.noValue;
  const field = control(variable, isNone ? "" : corrected, title);
  const none = make("input", { type: "checkbox", id: "none", checked: isNone, onchange: (event) => {
    correct(event.target.checked ? data.noValue : "");
    drawEntry();
  } });
  byId("entry").replaceChildren(field, make("label", { class: "wide" }, none, " the document does not state it"));
}

function control(variable, value, title) {
  if (variable.type === "category" && variable.several && !variable.other) return boxes(variable, value || [], title);
  if (variable.type === "boolean" || (variable.type === "category" && !variable.several && !variable.other)) {
    const choices = variable.type === "boolean" ? ["yes", "no"] : variable.categories;
    const options = ["", ...choices].map((one) => make("option", { value: one, selected: one === (value || "") }, one));
    return make("label", { class: "wide" }, title, make("select", { id: "corrected", onchange: (event) => correct(event.target.value) }, ...options));
  }
  const hints = { date: "2024-03-05, 2024-03 or 2024", number: "digits, such as 1234.5" };
  const hint = [hints[variable.type], variable.several ? "several separated by ;" : null].filter(Boolean).join("; ");
  const attributes = { id: "corrected", dir: "auto", placeholder: hint, value: value || "", oninput: (event) => correct(event.target.value.trim()) };
  const isLong = variable.type === "text";
  const input = isLong ? make("textarea", { ...attributes, rows: "2" }) : make("input", { ...attributes, inputmode: variable.type === "number" ? "decimal" : null });
  return make("label", { class: "wide" }, title, input);
}

function boxes(variable, chosen, title) {
  const take = () => correct([...byId("entry").querySelectorAll("input[name]:checked")].map((box) => box.value));
  const labels = variable.categories.map((one) => make("label", {}, make("input", {
    type: "checkbox", name: "category", value: one, checked: chosen.includes(one), onchange: take }), ` ${one}`));
  return make("fieldset", { id: "corrected" }, make("legend", {}, title), ...labels);
}

/* ---- the text ---- */
function drawText() {
  const article = byId("text"), source = data.documents[current.document];
  if (drawn !== current.document) {
    drawn = current.document;
    const copy = source.copy ? make("a", { href: source.copy, target: "_blank", rel: "noopener" }, "PDF with its evidence highlighted") : null;
    article.replaceChildren(make("h2", { dir: "auto" }, source.source), make("p", { class: "about" }, ...(copy ? [copy] : [])));
    if (source.text === null) article.append(make("p", { class: "about" }, "The text is not in this page; see the quotes."));
    else article.append(...lines(source.text, cells.filter((cell) => cell.document === drawn && cell.start !== null)));
    article.scrollTop = 0;
  }
  let first = null;
  for (const mark of article.querySelectorAll("mark")) {
    const isNow = mark.cells.includes(current);
    mark.classList.toggle("now", isNow);
    if (isNow && !first) first = mark;
  }
  if (first) first.scrollIntoView({ block: "center" });
}

/* The text line by line, cut where evidence begins or ends; each piece under evidence is a mark. */
function lines(text, evidence) {
  const cuts = [...new Set([0, text.length, ...evidence.flatMap((cell) => [cell.start, cell.end])])].sort((a, b) => a - b);
  const made = [];
  let line = make("div", { class: "line", dir: "auto" });
  for (let at = 0; at + 1 < cuts.length; at++) {
    const over = evidence.filter((cell) => cell.start <= cuts[at] && cell.end >= cuts[at + 1]);
    const pieces = text.slice(cuts[at], cuts[at + 1]).split("\n");
    pieces.forEach((piece, number) => {
      if (number) { made.push(line); line = make("div", { class: "line", dir: "auto" }); }
      if (piece) line.append(over.length ? marked(piece, over) : piece);
    });
  }
  made.push(line);
  return made;
}

function marked(piece, over) {
  const title = over.map((cell) => data.variables[cell.variable].label).join(", ");
  const mark = make("mark", { title, onclick: () => { const cell = over.find((one) => shown.includes(one)); if (cell) select(cell); } }, piece);
  mark.cells = over;
  return mark;
}

/* ---- the feedback ---- */
function feedback() {
  return cells.filter((cell) => verdicts[cell.id]).map((cell) => {
    const { verdict, corrected, note } = said(cell);
    const row = { document: cell.document, entity: cell.entity, variable: cell.variable, cell: cell.cell, reviewer, is_blind: data.blind };
    if (cell.inclusion_probability !== null) row.inclusion_probability = cell.inclusion_probability;
    if (verdict) row.verdict = verdict;
    if (corrected !== undefined) row.corrected_value = corrected;
    if (note) row.note = note;
    return row;
  });
}

function download() {
  const whole = { project: data.project, snapshot: data.snapshot, feedback: feedback() };
  const url = URL.createObjectURL(new Blob([JSON.stringify(whole, null, 1)], { type: "application/json" }));
  const day = new Date().toISOString().slice(0, 16).replace(/[:T]/g, "-");
  const name = [data.project, "feedback", reviewer.replace(/[^\p{L}\p{N}]+/gu, "-"), day].filter(Boolean).join("-");
  make("a", { href: url, download: `${name}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const KEYS = {
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
  1: confirm, 2: () => judge("incorrect"), 3: () => judge("partially_correct"),
  e: () => { const field = byId("corrected"); (field.matches("fieldset") ? field.querySelector("input") : field).focus(); },
  n: () => byId("note").focus(), "?": help,
};

function onKey(event) {
  const isTyping = event.target.matches("input:not([type=checkbox]), textarea, select");
  if (event.key === "Escape") { document.activeElement.blur(); return; }
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key] || !current) return;
  if (data.blind && "123".includes(event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
}

function help() {
  byId("notes").textContent = "";
  for (const left of data.leftOut) note(left);
  note("Judge each cell by the document beside it. Verdicts are kept in this browser until you download them; put the downloaded file into the project's folder feedback/.");
  note(data.blind ? "Write the value that you read in the document; what the model found is not shown." : "A corrected value says that the value shown is wrong. The audit sample tells how good the dataset is: judge all of it.");
}

function drawKeys() {
  const keys = data.blind ? [["j", "next"], ["k", "back"], ["e", "your value"], ["n", "note"], ["Esc", "leave a field"]]
    : [["1", "correct, next"], ["2", "incorrect"], ["3", "partly"], ["j", "next"], ["k", "back"], ["e", "corrected value"], ["n", "note"], ["Esc", "leave a field"]];
  byId("keys").append(...keys.flatMap(([key, does]) => [make("kbd", {}, key), ` ${does}  `]));
}

async function start() {
  byId("title").textContent = `${data.name}: ${data.blind ? "blind review" : "review"}`;
  await load();
  for (const left of data.leftOut) note(left);
  byId("reviewer").value = reviewer;
  byId("reviewer").addEventListener("input", (event) => { reviewer = event.target.value.trim(); keep("reviewer", reviewer); });
  byId("note").addEventListener("input", (event) => say({ note: event.target.value }));
  byId("download").addEventListener("click", download);
  byId("help").addEventListener("click", help);
  if (!data.blind) {
    byId("verdicts").append(...Object.entries(VERDICTS).map(([verdict, label]) =>
      make("button", { "data-verdict": verdict, "aria-pressed": "false", onclick: () => judge(verdict) }, label)));
  }
  document.addEventListener("keydown", onKey);
  drawKeys();
  fillFilters();
  filter();
  drawProgress();
  if (!cells.length) note("Nothing is left to judge.");
}

start();
