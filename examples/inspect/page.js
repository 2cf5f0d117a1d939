// Draws the state of `state.js`, at most ten times a second.
"use strict";

const $ = id => document.getElementById(id);
const MAX_LISTED = 300; // frames in the table
const MAX_ROWS = 200;   // streams in the timeline

const ABOUT = {
  DATA: "Content of a message. It is the only frame that flow control counts: it uses up the window of its stream and of the connection (RFC 9113, 6.1).",
  HEADERS: "Opens a stream with a request, or carries a response or trailers. Its field block is compressed by HPACK, with a table that both ends keep in step (RFC 9113, 6.2; RFC 7541).",
  PRIORITY: "A dependency in the old priority scheme. Receivers ignore it (RFC 9113, 6.3).",
  RST_STREAM: "Ends one stream at once, in both directions, with a reason. The connection continues (RFC 9113, 6.4).",
  SETTINGS: "The limits and options of the sender. Each side sends its own first, and acknowledges the other's (RFC 9113, 6.5).",
  PUSH_PROMISE: "The server announces a response to a request that it expects (RFC 9113, 6.6).",
  PING: "The peer returns it unchanged, which shows that it is alive, and measures the round trip (RFC 9113, 6.7).",
  GOAWAY: "The sender accepts no more streams. Those up to the given one are finished (RFC 9113, 6.8).",
  WINDOW_UPDATE: "Gives the other side credit for more DATA: on this stream, or on the connection as a whole if the stream is 0 (RFC 9113, 6.9).",
  CONTINUATION: "Continues the field block of the previous frame. No other frame may come in between (RFC 9113, 6.10).",
  PRIORITY_UPDATE: "How urgent a response is to the client (RFC 9218, 7.1).",
};

// ---- Drawing

const escape = text => String(text).replace(/[&<>"]/g, it => `&#${it.charCodeAt(0)};`);
const count = n => Math.round(n).toLocaleString("en");
const many = (n, what) => `${count(n)} ${what}${n === 1 ? "" : "s"}`;
const size = n => n < 10_000 ? count(n) : n < 10_000_000 ? `${count(n / 1024)} Ki` : `${count(n / 1_048_576)} Mi`;
const time = ms => ms < 10 ? `${ms.toFixed(2)} ms` : ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
const now = () => performance.now() + offset;

// A map from time to the place on the axis, 0 to 1.
function axis(connection) {
  const times = [connection.opened, ...connection.frames.map(event => event.t)];
  const end = connection.open.size > 0 && connection.closed === null ? Math.max(now(), connection.last) : connection.last;
  if (end > times.at(-1)) times.push(end);
  const short = 20;  // ms: longer pauses grow with their logarithm
  const places = [0];
  for (let i = 1; i < times.length; i++) {
    const gap = Math.max(0, times[i] - times[i - 1]);
    places.push(places.at(-1) + (isSqueezed && gap > short ? short * (1 + Math.log2(gap / short) / 2) : gap));
  }
  if (isSqueezed) {
    // Half of the width is for the order alone, so that frames of one batch are told apart.
    const each = (places.at(-1) || 1) / Math.max(1, places.length - 1);
    for (let i = 0; i < places.length; i++) places[i] += i * each;
  }
  const whole = places.at(-1) || 1;
  const find = (list, value) => {
    let low = 0, high = list.length - 1;
    while (low + 1 < high) { const middle = (low + high) >> 1; if (list[middle] <= value) low = middle; else high = middle; }
    return low;
  };
  const between = (xs, ys, x) => {
    if (xs.length < 2) return ys[0];
    const i = find(xs, x), span = xs[i + 1] - xs[i];
    return ys[i] + (span > 0 ? Math.min(1, Math.max(0, (x - xs[i]) / span)) : 1) * (ys[i + 1] - ys[i]);
  };
  return { x: t => between(times, places, t) / whole, t: x => between(places, times, x * whole), end };
}

function draw() {
  const connection = connections.get(shown);
  drawConnections();
  $("empty").hidden = Boolean(connection);
  if (!connection) {
    for (const id of ["rows", "waits", "windows", "list", "detail"]) $(id).innerHTML = "";
    $("filter").textContent = "";
    return;
  }
  drawTimeline(connection);
  drawWaits(connection);
  drawWindows(connection);
  drawFrames(connection);
}

function drawConnections() {
  const all = [...connections.values()];
  const open = all.filter(it => it.closed === null).length;
  $("totals").textContent = `${open} open of ${many(totals.connections, "connection")}, ${many(totals.frames, "frame")}`;
  $("connections").innerHTML = all.slice(-30).reverse().map(it => `<button data-connection="${it.number}" class="${it.closed === null ? "" : "over"}"
    aria-selected="${it.number === shown}" title="${escape(it.why)}"><span class="dot"></span>#${it.number} ${escape(it.client)}<small>${it.tls ? "TLS" : "cleartext"} · ${many(it.streamCount, "stream")}</small></button>`).join("");
}

const HATCH = `<svg viewBox="0 0 0 0" aria-hidden="true" class="defs"><defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
  <rect class="hatch-back" width="7" height="7"/><line class="hatch" x1="2" y1="0" x2="2" y2="7"/></pattern></defs></svg>`;

function drawTimeline(connection) {
  const rows = $("rows"), map = axis(connection);
  const labels = matchMedia("(max-width: 40rem)").matches ? 144 : 280;
  const width = Math.max(60, rows.clientWidth - labels - 14);
  const x = t => (map.x(t) * width).toFixed(1);
  const parted = Math.max(1, Math.min(6, Math.floor(width / 90)));
  const ticks = Array.from({ length: parted + 1 }, (_, i) => i / parted);
  const grid = height => ticks.map(at => `<line class="grid" x1="${at * width}" x2="${at * width}" y1="0" y2="${height}"/>`).join("");
  const label = at => `<text x="${at * width}" y="14" text-anchor="${at === 0 ? "start" : at === 1 ? "end" : "middle"}">${time(map.t(at) - connection.opened)}</text>`;
  const parts = [`<div class="row axis"><span class="name"></span><svg>${ticks.map(label).join("")}</svg></div>`];
  parts.push(row("0", "connection", "", grid(34) + marks(connection.frames.filter(event => event.id === 0), x), `data-stream="0"`, stream === 0));
  for (const side of SIDES) parts.push(graph(`${side} may send`, connection.windows[side].history, connection.windows[side], side, x, map, grid(38)));
  // Without those that only PRIORITY has named.
  const streams = [...connection.streams.values()].filter(of => SIDES.some(side => of[side].began !== null)).slice(-MAX_ROWS);
  for (const of of streams) {
    parts.push(row(of.id, of.name || "…", of.status, grid(34) + lanes(connection, of, x, map) + marks(of.marks, x, of), `data-stream="${of.id}"`, stream === of.id, of.reset));
    if (stream === of.id) for (const side of SIDES) {
      if (of[side].history.length > 0) parts.push(graph(`${side} may send on ${of.id}`, of[side].history, of[side], side, x, map, grid(38)));
    }
  }
  const top = rows.scrollTop;
  rows.innerHTML = HATCH + parts.join("");
  rows.scrollTop = top;
}

function row(id, name, status, drawing, data, isChosen, reset) {
  const kind = /^[23]/.test(status) ? "good" : /^[45]/.test(status) ? "bad" : "other";
  const state = reset ? `<span class="status bad">${escape(reset.error)}</span>` : status ? `<span class="status ${kind}">${escape(status)}</span>` : "";
  return `<div class="row ${isChosen ? "chosen" : ""}" tabindex="0" ${data} title="${escape(name)}"><span class="name"><b>${id}</b><span>${escape(name)}</span>${state}</span><svg>${drawing}</svg></div>`;
}

// The upper lane is the client's direction, the lower one the server's.
function lanes(connection, of, x, map) {
  const end = of.reset ? of.reset.t : connection.closed ?? map.end;
  let drawn = "";
  SIDES.forEach((side, i) => {
    const { began, ended, stalls } = of[side], y = 4 + i * 14;
    if (began === null) return;
    const from = x(began), to = x(ended ?? end), length = Math.max(3, to - from);
    drawn += `<rect class="lane ${side[0]}" x="${from}" y="${y}" width="${length}" height="12" rx="3"/>`;
    for (const [a, b] of stalls) drawn += `<rect class="stall" x="${x(a)}" y="${y}" width="${Math.max(2, x(b ?? end) - x(a))}" height="12" rx="2"/>`;
  });
  const asked = of.client.ended ?? of.client.began;
  if (asked !== null && (of.server.began ?? end) > asked) {
    drawn += `<line class="wait" x1="${x(asked)}" x2="${x(of.server.began ?? end)}" y1="24" y2="24"/>`;
  }
  return drawn;
}

function marks(list, x, of) {
  return list.map(event => {
    const at = x(event.t), side = event.from[0], y = event.from === "client" ? 4 : 18;
    switch (event.type) {
      case "DATA": { const height = Math.min(12, 3 + Math.log2(1 + event.len) * .7); return `<rect class="${side}" x="${at}" y="${y + 6 - height / 2}" width="2" height="${height}"/>`; }
      case "WINDOW_UPDATE": return `<path class="credit" d="M${at} ${y + 1} l4 8 h-8 z"/>`;
      case "RST_STREAM": return `<text class="reset" x="${at}" y="${y + 11}">✕</text>`;
      case "HEADERS": return `<rect class="${side}" x="${at - 1}" y="${y - 1}" width="4" height="14" rx="1"/>`;
      default: return `<rect class="${side}" x="${at - 2}" y="${y + 3}" width="6" height="6" rx="3"/>`;
    }
  }).join("");
}

// A window over time: it falls with DATA, and rises with WINDOW_UPDATE. The height is its cube root, so
// that the 65,535 octets of the beginning can be seen beside the megabytes of later.
function graph(name, history, window, side, x, map, grid) {
  const high = 30, y = value => (high + 4 - Math.cbrt(Math.max(0, value) / window.most) * high).toFixed(1);
  let path = `M0 ${y(window.first)}`, zero = "", before = null;
  for (const [t, value] of history) {
    path += ` H${x(t)} V${y(value)}`;
    if (before) zero += `<line class="zero" x1="${before}" x2="${x(t)}" y1="34" y2="34"/>`;
    before = value <= 0 ? x(t) : null;
  }
  const end = x(map.end);
  path += ` H${end}`;
  if (before) zero += `<line class="zero" x1="${before}" x2="${end}" y1="34" y2="34"/>`;
  return `<div class="row graph"><span class="name ${side}"><b></b><span>${name}</span></span><svg>${grid}<path class="area ${side[0]}" d="${path} V34 H0 Z"/><path class="edge ${side[0]}" d="${path}"/>${zero}</svg></div>`;
}

function drawWaits(connection) {
  const waits = [], add = (side, what, since, isStalled) => waits.push({ side, what, since, isStalled });
  if (connection.closed === null) {
    for (const of of connection.open) {
      const name = `stream ${of.id}`;
      const isAnswered = of.server.began !== null;
      for (const side of SIDES) {
        const by = stalledBy(connection, of, side);
        if (by) add(side, `waits for WINDOW_UPDATE of ${by === "stream" ? name : "the connection"}${by === "connection" ? `, on ${name}` : ""}`, of[side].stalls.at(-1)?.[0] ?? of.opened, true);
      }
      if (!isAnswered && of.client.ended !== null) add("client", `waits for the response on ${name}`, of.client.ended);
      else if (isSending(of, "client") && !stalledBy(connection, of, "client")) add("server", `waits for the rest of the request on ${name}`, lastMark(of, "client"));
      if (isSending(of, "server") && !stalledBy(connection, of, "server")) add("client", `waits for the rest of the response on ${name}`, lastMark(of, "server"));
    }
    for (const [side, since] of connection.pings) add(side, "waits for the answer to its PING", since);
    for (const side of SIDES) if (connection.settings[side] !== null) add(side, "waits until its SETTINGS are acknowledged", connection.settings[side]);
  }
  waits.sort((a, b) => Boolean(b.isStalled) - Boolean(a.isStalled) || a.since - b.since);
  const more = waits.length - 7;
  $("waits").innerHTML = waits.slice(0, 7).map(it => `<li><span class="for">${time(Math.max(0, now() - it.since))}</span><span class="${it.side}">${it.side}</span> <span class="${it.isStalled ? "stalled" : ""}">${it.what}</span></li>`).join("")
    + (more > 0 ? `<li class="for">and ${more} more</li>` : "")
    || `<li>${connection.closed === null ? "Neither side waits: all streams have ended." : `The connection has ended: ${escape(connection.why)}.`}</li>`;
}

const lastMark = (of, side) => of.marks.findLast(event => event.from === side)?.t ?? of.opened;

function drawWindows(connection) {
  const gauge = (name, side, left, most) => `<div class="gauge"><p><span>${name}</span><span>${count(Math.max(0, left))} of ${size(most)}</span></p>
    <svg viewBox="0 0 100 8" preserveAspectRatio="none"><rect class="track" width="100" height="8"/><rect class="${left <= 0 ? "empty-window" : side[0]}" width="${left <= 0 ? 100 : Math.max(1, 100 * left / most)}" height="8"/></svg></div>`;
  const chosen = connection.streams.get(stream);
  const fullest = (a, b, side) => a[side].window / a[side].most - b[side].window / b[side].most;
  $("windows").innerHTML = SIDES.map(side => {
    const { connection: left, most } = connection.windows[side];
    const sending = [...connection.open].filter(of => isSending(of, side)).sort((a, b) => fullest(a, b, side)).slice(0, 3);
    const streams = chosen ? [chosen] : sending;
    return `<h3>The <span class="${side}">${side}</span> may send</h3>` + gauge("connection", side, left, most)
      + streams.map(of => gauge(`stream ${of.id}`, side, of[side].window, of[side].most)).join("");
  }).join("");
}

function summary(event) {
  if (event.fields) return event.fields.map(([name, value]) => name.startsWith(":") ? value : `${name}: ${value}`).join("  ");
  if (event.settings) return event.settings.join("  ");
  if (event.type === "WINDOW_UPDATE") return `+${count(event.increment)} → ${count(event.window.stream ?? event.window.connection)} left for the ${event.window.of}`;
  if (event.type === "DATA") return `${count(Math.max(0, event.window.stream))} left of the stream's window, ${count(Math.max(0, event.window.connection))} of the connection's`;
  return [event.error, event.problem, event.last !== undefined ? `last stream ${event.last}` : "", event.text].filter(Boolean).join("  ");
}

function drawFrames(connection) {
  $("filter").innerHTML = stream === null ? "newest first" : `of stream ${stream}, newest first — click it again for all`;
  const list = connection.frames.filter(event => stream === null || event.id === stream).slice(-MAX_LISTED).reverse();
  const top = document.querySelector(".list").scrollTop;
  $("list").innerHTML = list.map(event => `<tr tabindex="0" data-frame="${event.name}" class="${event === frame ? "chosen" : ""}"><td>${(event.t - connection.opened).toFixed(2)}<td class="${event.from}">${event.from}<td>${event.id || "–"}<td><span class="kind ${event.type}">${escape(event.type)}</span>${event.flags.map(flag => `<span class="flag">${flag}</span>`).join("")}<td>${count(event.len)}<td>${escape(summary(event))}</tr>`).join("");
  document.querySelector(".list").scrollTop = top;
  drawDetail(connection, frame ?? list.find(event => event.fields) ?? list[0]);
}

function drawDetail(connection, event) {
  if (!event) { $("detail").innerHTML = ""; return; }
  const key = `${event.name}`;
  if ($("detail").dataset.of === key) return;
  const table = rows => `<table>${rows.map(([name, value]) => `<tr><td>${escape(name)}<td>${escape(value)}</tr>`).join("")}</table>`;
  const packed = event.plain ? `<p>${many(event.len, "octet")} carry ${many(event.fields.length, "field")}, which count as ${count(event.plain)}. The table of this direction then holds ${many(event.table[0], "field")} in ${many(event.table[1], "octet")}.</p>` : "";
  const rest = [];
  if (event.settings) for (const setting of event.settings) rest.push(setting.split("="));
  if (event.increment) rest.push(["increment", count(event.increment)]);
  if (event.error) rest.push(["error", event.error]);
  if (event.last !== undefined) rest.push(["last stream", event.last]);
  if (event.promised) rest.push(["promised stream", event.promised]);
  if (event.problem) rest.push(["problem", event.problem]);
  if (event.window) rest.push([`${event.window.of} may send`, `${count(event.window.connection)} on the connection`], ...(event.window.stream === undefined ? [] : [["", `${count(event.window.stream)} on the stream`]]));
  $("detail").innerHTML = `<p><span class="kind mono ${event.type}">${escape(event.type)}</span> from the <span class="${event.from}">${event.from}</span>${event.id ? ` on stream ${event.id}` : ""}, ${count(event.len)} octets${event.flags.length ? `, ${event.flags.join(", ")}` : ""}</p>
    <p class="why">${ABOUT[event.type] ?? (event.type === "preface" ? "The client's first octets. A server of HTTP/1.1 would refuse them (RFC 9113, 3.4)." : "")}</p>${packed}
    ${event.fields ? table(event.fields) : ""}${rest.length ? table(rest) : ""}${event.text ? `<pre>${escape(event.text)}</pre>` : ""}`;
  $("detail").dataset.of = key;
}

// ---- Choices

function clear() { connections = new Map(); totals = { connections: 0, frames: 0 }; isPicked = false; choose(null); }
function choose(number) { shown = number; stream = frame = null; isDirty = true; }
const press = (button, is) => button.setAttribute("aria-pressed", is);

function act(target) {
  const chosen = target.closest("[data-connection], [data-stream], [data-frame]")?.dataset;
  if (!chosen) return;
  if (chosen.connection) { isPicked = true; choose(Number(chosen.connection)); }
  if (chosen.stream) { const id = Number(chosen.stream); stream = stream === id ? null : id; frame = null; }
  if (chosen.frame) frame = connections.get(shown).frames.find(event => event.name === Number(chosen.frame)) ?? null;
  isDirty = true;
  draw();
}
document.addEventListener("click", event => act(event.target));
document.addEventListener("keydown", event => { if (event.key === "Enter" && event.target.tagName !== "BUTTON") act(event.target); });
$("squeeze").onclick = () => { isSqueezed = !isSqueezed; press($("squeeze"), isSqueezed); draw(); };
$("pause").onclick = () => { isPaused = !isPaused; press($("pause"), isPaused); isDirty = true; };
$("clear").onclick = () => { clear(); draw(); };
addEventListener("resize", () => { isDirty = true; });

const source = new EventSource("/events");
// After an interruption, all events that are kept come again.
source.onopen = clear;
source.onmessage = message => take(JSON.parse(message.data));
source.addEventListener("now", message => { offset = Number(message.data) - performance.now(); });

setInterval(() => {
  const connection = connections.get(shown);
  const isMoving = connection && connection.closed === null && connection.open.size > 0;
  if (isPaused || !(isDirty || isMoving)) return;
  isDirty = false;
  draw();
}, 100);
draw();
