// The page: looks at the domain once a second, and draws what there is.

import { ask, setToken } from "./api.js";
import { setUpBoxes } from "./boxes.js";
import { byId, element, key, micros, number, perSecond, placeOf, table } from "./draw.js";
import { drawMap } from "./map.js";

const pause = 1000; // ms between two looks

let last = null; // the look before, for rates

// ratesOf compares two looks. A reader is slow that is half of its ring behind, or has
// missed something since the last look.
function ratesOf(now, before) {
  const seconds = before ? (now.time_ns - before.time_ns) / 1e9 : 0;
  const rate = (a, b) => (seconds > 0 && b !== undefined && a >= b ? (a - b) / seconds : 0);
  const old = (list, name, id) => list?.find((one) => one[name] === id);
  const missed = (topic, address) =>
    old(before?.topics, "topic", topic)?.readers.filter((r) => r.address === address).reduce((sum, r) => sum + r.missed, 0);
  return {
    topics: new Map(now.topics.map((t) => [t.topic, rate(t.positions, old(before?.topics, "topic", t.topic)?.positions)])),
    services: new Map(now.services.map((s) => [s.service, rate(s.requests, old(before?.services, "service", s.service)?.requests)])),
    slow: (t, r) => (!r.latest && r.behind >= t.slots / 2) || r.missed > (missed(t.topic, r.address) ?? r.missed),
  };
}

const sum = (values) => [...values].reduce((a, b) => a + b, 0);

function drawTiles(d, rates) {
  const readers = d.topics.flatMap((t) => t.readers);
  const tile = (name, value, label) => element("li", "", key(element("b", "", value), name), element("span", "", label));
  const count = (name, list, one, many) => tile(name, number(list.length), list.length === 1 ? one : many);
  byId("tiles").replaceChildren(
    count("nodes", d.nodes, "node", "nodes"),
    count("participants", d.participants, "process", "processes"),
    count("services", d.services, "service", "services"),
    count("topics", d.topics, "topic", "topics"),
    tile("message-rate", perSecond(sum(rates.topics.values())), "messages/s"),
    tile("request-rate", perSecond(sum(rates.services.values())), "requests/s"),
    tile("missed", number(sum(readers.map((r) => r.missed))), "missed by readers"),
    tile("lost", number(sum(d.counters.filter((c) => c.name === "forward.lost").map((c) => c.value))), "lost in network"),
  );
}

function drawTopics(d, rates) {
  table("topics", [
    { head: "Topic", of: (t) => t.topic, kind: "code" },
    { head: "Messages", of: (t) => number(t.positions), key: (t) => `topic:${t.topic}:positions`, kind: "number" },
    { head: "A second", of: (t) => perSecond(rates.topics.get(t.topic)), key: (t) => `topic:${t.topic}:rate`, kind: "number" },
    { head: "Readers", of: (t) => number(t.readers.length), key: (t) => `topic:${t.topic}:readers`, kind: "number" },
    { head: "Furthest behind", of: (t) => number(Math.max(0, ...t.readers.map((r) => r.behind))), key: (t) => `topic:${t.topic}:behind`, kind: "number" },
    { head: "Missed", of: (t) => number(sum(t.readers.map((r) => r.missed))), key: (t) => `topic:${t.topic}:missed`, kind: "number" },
    { head: "Put out", of: (t) => number(t.evicted), key: (t) => `topic:${t.topic}:evicted`, kind: "number" },
    { head: "Damaged", of: (t) => number(t.damaged), key: (t) => `topic:${t.topic}:damaged`, kind: "number" },
    { head: "Ring", of: (t) => t.error ?? `${t.mode}, ${number(t.slots)} × ${number(t.slot_size)} bytes` },
    { head: "Schema", of: (t) => t.schema ?? "", kind: "code", rare: true },
    { head: "Groups", of: (t) => t.groups.map((g) => `${g.group} (${g.members}, ${number(g.behind)} wait)`).join(", "), rare: true },
  ], d.topics, "No topic is open on this node.");
}

function drawServices(d, rates) {
  table("services", [
    { head: "Service", of: (s) => s.service, kind: "code" },
    { head: "Instances", of: (s) => number(s.instances.length), key: (s) => `service:${s.service}:instances`, kind: "number" },
    { head: "Requests", of: (s) => number(s.requests), key: (s) => `service:${s.service}:requests`, kind: "number" },
    { head: "A second", of: (s) => perSecond(rates.services.get(s.service)), key: (s) => `service:${s.service}:rate`, kind: "number" },
    { head: "Wait", of: (s) => (s.queue ? `${number(s.waiting)} of ${number(s.queue)}` : "–"), key: (s) => `service:${s.service}:waiting`, kind: "number" },
    { head: "Through this gateway", of: (s) => number(s.gateway.answered), key: (s) => `service:${s.service}:answered`, kind: "number" },
    { head: "Failed", of: (s) => number(s.gateway.failed), key: (s) => `service:${s.service}:failed`, kind: "number" },
    { head: "Median", of: (s) => micros(s.gateway.p50_us), key: (s) => `service:${s.service}:p50`, kind: "number" },
    { head: "99 %", of: (s) => micros(s.gateway.p99_us), key: (s) => `service:${s.service}:p99`, kind: "number" },
    { head: "Slowest", of: (s) => micros(s.gateway.max_us), key: (s) => `service:${s.service}:max`, kind: "number" },
    { head: "Schema", of: (s) => s.schema ?? "", kind: "code", rare: true },
    { head: "Programs", of: (s) => [...new Set(s.instances.map((i) => i.program))].join(", ") },
  ], d.services, "Nobody serves on this node.");
}

function drawSlow(d, rates) {
  const rows = d.topics.flatMap((t) => t.readers.filter((r) => rates.slow(t, r)).map((r) => ({ t, r })));
  byId("slow-section").hidden = rows.length === 0;
  const bar = ({ t, r }) => {
    const fill = element("i", "");
    fill.style.width = Math.min(100, (100 * r.behind) / t.slots) + "%";
    return element("span", "", element("span", "bar", fill), `${number(r.behind)} of ${number(t.slots)}`);
  };
  table("slow", [
    { head: "Program", of: ({ r }) => r.program, key: ({ t, r }) => `slow:${t.topic}:${r.program}` },
    { head: "Address", of: ({ r }) => r.address, kind: "code" },
    { head: "Topic", of: ({ t }) => t.topic, kind: "code" },
    { head: "Behind", of: bar },
    { head: "Missed", of: ({ r }) => number(r.missed), kind: "number" },
  ], rows, "");
}

function drawRest(d) {
  const names = (list) => list.join(", ");
  table("participants", [
    { head: "Program", of: (p) => p.name + (p.alive ? "" : " (dead)") },
    { head: "Process", of: (p) => placeOf(p, d.nodes) },
    { head: "Address", of: (p) => p.address, kind: "code" },
    { head: "Publishes", of: (p) => names(p.publishes), kind: "code" },
    { head: "Subscribes", of: (p) => names(p.subscribes), kind: "code" },
    { head: "Serves", of: (p) => names(p.serves), kind: "code" },
    { head: "Version", of: (p) => p.version },
  ], d.participants, "");
  table("nodes", [
    { head: "Name", of: (n) => n.name },
    { head: "Host", of: (n) => n.host },
    { head: "Node id", of: (n) => String(n.node), kind: "number" },
    { head: "Wants", of: (n) => names(n.wants), kind: "code" },
  ], d.nodes, "");
  const g = d.gateway;
  table("gateway", [
    { head: "Of this gateway", of: ([label]) => label },
    { head: "", of: ([, value]) => number(value), key: ([, , name]) => `gateway:${name}`, kind: "number" },
  ], [
    ["answers", g.requests, "requests"], ["refused as overloaded", g.refused, "refused"], ["requests in flight", g.in_flight, "in_flight"],
    ["connections", g.connections, "connections"], ["readers of topics", g.readers, "readers"],
    ["messages that they missed", g.missed, "missed"], ["messages published", g.published, "published"],
  ], "");
  byId("counters-section").hidden = d.counters.length === 0;
  table("counters", [
    { head: "Program", of: (c) => c.program },
    { head: "Counter", of: (c) => c.name, kind: "code" },
    { head: "Value", of: (c) => number(c.value), key: (c) => `counter:${c.name}`, kind: "number" },
    { head: "", of: (c) => c.meaning },
  ], d.counters, "");
}

function draw(d) {
  const rates = ratesOf(d, last);
  last = d;
  document.querySelector('[data-key="domain"]').textContent = d.domain;
  document.querySelector('[data-key="node"]').textContent = d.node;
  byId("forwarder").textContent = d.forwarder ? ", in a network" : ", without a forwarder";
  drawTiles(d, rates);
  drawMap(d, rates);
  drawSlow(d, rates);
  drawTopics(d, rates);
  drawServices(d, rates);
  drawRest(d);
  const options = (list) => list.map((name) => Object.assign(document.createElement("option"), { value: name }));
  byId("service-names").replaceChildren(...options(d.services.map((s) => s.service)));
  byId("topic-names").replaceChildren(...options(d.topics.map((t) => t.topic)));
}

function show(loggedIn) {
  byId("main").hidden = byId("where").hidden = !loggedIn;
  byId("login").hidden = loggedIn;
}

// look draws once, and says whether to go on.
async function look() {
  const status = byId("status");
  try {
    const d = await (await ask("/v1/domain")).json();
    show(true);
    draw(d);
    status.textContent = "as of " + new Date(d.time_ns / 1e6).toLocaleTimeString();
    status.className = "";
  } catch (e) {
    status.textContent = e.status === 401 ? "" : e.message;
    status.className = "bad";
    if (e.status === 401) {
      show(false);
      byId("token").focus();
      return false;
    }
  }
  return true;
}

async function run() {
  while (document.hidden || (await look())) await new Promise((wake) => setTimeout(wake, pause));
}

byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  setToken(byId("token").value);
  byId("login-error").textContent = "";
  if (await look()) run();
  else byId("login-error").textContent = "That is not one of its tokens.";
});
setUpBoxes();
run();
