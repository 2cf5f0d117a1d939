// The state of each connection, from the events of the hub. `page.js` draws it.
"use strict";

const SIDES = ["client", "server"];
const other = side => side === "client" ? "server" : "client";
const MAX_CONNECTIONS = 100;
const MAX_STREAMS = 1000; // per connection
const MAX_FRAMES = 3000;  // per connection

let connections = new Map();
let shown = null, isPicked = false;   // the connection that is shown
let stream = null, frame = null;      // what is chosen in it
let isPaused = false, isSqueezed = true, isDirty = true;
let offset = 0;                       // from this clock to that of the events
let names = 0;                        // of frames
let totals = { connections: 0, frames: 0 };

const newWindow = () => ({ connection: 65535, initial: 65535, first: 65535, most: 65535, history: [] });
const newConnection = event => ({
  number: event.c, client: event.client ?? "", tls: event.tls, opened: event.t, closed: null, why: "",
  streams: new Map(), streamCount: 0, open: new Set(), frames: [], last: event.t,
  windows: { client: newWindow(), server: newWindow() }, pings: new Map(), settings: { client: null, server: null },
});
const newStream = (id, t) => ({
  id, opened: t, name: "", status: "", reset: null, marks: [], promised: false,
  client: { began: null, ended: null, octets: 0, stalls: [], window: 0, first: 0, most: 0, history: [] },
  server: { began: null, ended: null, octets: 0, stalls: [], window: 0, first: 0, most: 0, history: [] },
});

function take(event) {
  let connection = connections.get(event.c);
  if (!connection) {
    connections.set(event.c, connection = newConnection(event));
    totals.connections++;
    if (connections.size > MAX_CONNECTIONS) {
      const old = [...connections.values()].filter(it => it.number !== shown && it !== connection);
      connections.delete((old.find(it => it.closed !== null) ?? old[0]).number);
    }
  }
  connection.last = event.t;
  if (!isPicked && (event.k === "open" || shown === null)) choose(event.c);
  if (event.k === "close") Object.assign(connection, { closed: event.t, why: event.why });
  if (event.k === "frame") takeFrame(connection, event);
  if (event.k === "preface" || event.k === "problem") {
    takeFrame(connection, { ...event, id: 0, len: event.k === "preface" ? 24 : 0, flags: [], type: event.k === "preface" ? "preface" : "problem", text: event.why ?? "PRI * HTTP/2.0" });
  }
  isDirty = true;
}

function streamOf(connection, id, t) {
  let found = connection.streams.get(id);
  if (!found) {
    connection.streams.set(id, found = newStream(id, t));
    connection.streamCount++;
    connection.open.add(found);
    if (connection.streams.size > MAX_STREAMS) forgetStream(connection);
    for (const side of SIDES) found[side].window = found[side].most = found[side].first = connection.windows[side].initial;
  }
  return found;
}

// Forgets the oldest stream that has ended, or else the oldest one.
function forgetStream(connection) {
  let old = null;
  for (const it of connection.streams.values()) {
    old ??= it;
    if (!connection.open.has(it)) { old = it; break; }
  }
  connection.open.delete(old);
  connection.streams.delete(old.id);
}

function takeFrame(connection, event) {
  event.name = ++names;
  totals.frames++;
  connection.frames.push(event);
  if (connection.frames.length > MAX_FRAMES) connection.frames.shift();
  const { from, id, t } = event;
  const on = id > 0 ? streamOf(connection, id, t) : null;
  if (on) takeOnStream(connection, on, event);
  if (event.type === "SETTINGS") {
    const ack = event.flags.includes("ACK");
    connection.settings[ack ? other(from) : from] = ack ? null : t;
  }
  if (event.type === "PING") {
    const ack = event.flags.includes("ACK");
    if (ack) connection.pings.delete(other(from)); else connection.pings.set(from, t);
  }
  if (event.window) takeWindow(connection, on, event);
  for (const open of connection.open) noteStalls(connection, open, t);
}

function takeOnStream(connection, on, event) {
  const { from, t } = event;
  on.marks.push({ t, from, type: event.type, len: event.len });
  if (on.marks.length > MAX_FRAMES) on.marks.shift();
  if (event.type === "HEADERS" || event.type === "DATA") {
    on[from].began ??= t;
    if (event.type === "DATA") on[from].octets += event.len;
    if (event.flags.includes("END_STREAM")) on[from].ended = t;
  }
  if (event.fields) {
    const target = event.promised ? streamOf(connection, event.promised, t) : on;
    if (event.promised) Object.assign(target, { promised: true }), target.client.began = target.client.ended = t;
    const value = name => event.fields.find(field => field[0] === name)?.[1];
    if (value(":method")) target.name = `${value(":protocol") ?? value(":method")} ${value(":path") ?? value(":authority") ?? ""}`;
    if (value(":status")) target.status = value(":status");
  }
  if (event.type === "RST_STREAM") on.reset = { t, from, error: event.error };
  if (on.reset || SIDES.every(side => on[side].ended !== null)) {
    noteStalls(connection, on, t);
    connection.open.delete(on);
  }
}

function takeWindow(connection, on, event) {
  const { of, connection: left, initial, stream: ofStream } = event.window;
  const window = connection.windows[of];
  const change = initial - window.initial;
  Object.assign(window, { connection: left, initial, most: Math.max(window.most, left) });
  window.history.push([event.t, left]);
  if (window.history.length > MAX_FRAMES) window.history.shift();
  if (change) for (const open of connection.open) {
    open[of].window += change;
    open[of].most = Math.max(open[of].most, open[of].window);
  }
  if (on && ofStream !== undefined) {
    on[of].window = ofStream;
    on[of].most = Math.max(on[of].most, ofStream);
    on[of].history.push([event.t, ofStream]);
    if (on[of].history.length > MAX_FRAMES) on[of].history.shift();
  }
}

const isOver = of => of.reset || SIDES.every(side => of[side].ended !== null);
const isSending = (of, side) => of[side].began !== null && of[side].ended === null && !of.reset;
const stalledBy = (connection, of, side) => !isSending(of, side) ? null
  : of[side].window <= 0 ? "stream" : connection.windows[side].connection <= 0 ? "connection" : null;

// Keeps the intervals in which a side had an exhausted window.
function noteStalls(connection, of, t) {
  for (const side of SIDES) {
    const stalls = of[side].stalls, last = stalls.at(-1);
    const is = stalledBy(connection, of, side) !== null;
    if (is && (!last || last[1] !== null)) stalls.push([t, null]);
    if (!is && last && last[1] === null) last[1] = t;
    if (stalls.length > MAX_FRAMES) stalls.shift();
  }
}
