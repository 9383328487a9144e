// The map: who publishes on the left, topics and services in the middle, who reads and
// serves on the right.

import { byId, nodeOf, perSecond, placeOf } from "./draw.js";

const space = "http://www.w3.org/2000/svg";
const most = 24; // boxes in a column
const high = 34;
const box = 24;

function svg(name, attributes, ...children) {
  const e = document.createElementNS(space, name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  e.append(...children);
  return e;
}

// matches says whether a topic fits what somebody subscribes to.
function matches(pattern, topic) {
  const p = pattern.split("."), t = topic.split(".");
  for (let i = 0; i < p.length; i++) {
    if (p[i] === ">") return t.length > i;
    if (i >= t.length || (p[i] !== "*" && p[i] !== t[i])) return false;
  }
  return p.length === t.length;
}

// links are the lines of the map.
function links(domain, rates) {
  const list = [];
  for (const t of domain.topics) {
    const rate = rates.topics.get(t.topic) ?? 0;
    for (const p of domain.participants) {
      if (p.publishes.includes(t.topic)) list.push({ side: "left", who: p.address, what: "topic " + t.topic, rate });
      const readers = t.readers.filter((r) => r.address === p.address);
      if (readers.length > 0 || p.subscribes.some((s) => matches(s, t.topic))) {
        list.push({ side: "right", who: p.address, what: "topic " + t.topic, rate, slow: readers.some((r) => rates.slow(t, r)) });
      }
    }
    for (const n of domain.nodes) {
      const known = domain.participants.some((p) => nodeOf(p.address, domain.nodes) === n);
      if (!n.self && !known && n.wants.some((w) => matches(w, t.topic))) {
        list.push({ side: "right", who: "node " + n.node, what: "topic " + t.topic, rate });
      }
    }
  }
  for (const s of domain.services) {
    const rate = rates.services.get(s.service) ?? 0;
    for (const i of s.instances) list.push({ side: "right", who: i.address, what: "service " + s.service, rate, serves: true });
    if (s.gateway.answered + s.gateway.failed > 0) {
      list.push({ side: "left", who: domain.gateway.address, what: "service " + s.service, rate, serves: true });
    }
  }
  return list;
}

const clip = (text) => (text.length > 34 ? text.slice(0, 33) + "…" : text);

// column draws boxes and returns where each is.
function column(into, names, x, width, describe) {
  const at = new Map();
  names.slice(0, most).forEach((name, i) => {
    const { title, note, className } = describe(name);
    const y = i * high + 6;
    const texts = [svg("text", { x: x + 10, y: y + box / 2 }, clip(title))];
    if (note) texts.push(svg("text", { x: x + width - 10, y: y + box / 2, class: "dim", "text-anchor": "end" }, note));
    into.append(svg("g", { class: className }, svg("rect", { x, y, width, height: box, rx: 5 }), ...texts));
    at.set(name, y + box / 2);
  });
  return at;
}

export function drawMap(domain, rates) {
  const lines = links(domain, rates);
  const map = byId("map");
  const width = Math.max(640, map.clientWidth);
  const w = width * 0.27;
  const programs = new Map(domain.participants.map((p) => [p.address, p]));
  const nodes = new Map(domain.nodes.map((n) => ["node " + n.node, n]));
  const whoIs = (who) => {
    const p = programs.get(who), n = nodes.get(who);
    const slow = lines.some((l) => l.who === who && l.slow);
    return { title: p ? p.name : n ? n.name : who, note: p ? placeOf(p, domain.nodes) : n ? "node" : "", className: slow ? "slow" : "" };
  };
  const whatIs = (what) => {
    const [kind, name] = what.split(" ");
    return { title: name, note: perSecond((kind === "topic" ? rates.topics : rates.services).get(name) ?? 0) + "/s", className: kind };
  };
  const on = (side) => [...new Set(lines.filter((l) => l.side === side).map((l) => l.who))].sort();
  const middle = [...domain.topics.map((t) => "topic " + t.topic), ...domain.services.map((s) => "service " + s.service)];
  const boxes = svg("g", {}), paths = svg("g", {});
  const left = column(boxes, on("left"), 1, w, whoIs);
  const center = column(boxes, middle, (width - w) / 2, w, whatIs);
  const right = column(boxes, on("right"), width - w - 1, w, whoIs);
  for (const l of lines) {
    const y1 = l.side === "left" ? left.get(l.who) : center.get(l.what);
    const y2 = l.side === "left" ? center.get(l.what) : right.get(l.who);
    if (y1 === undefined || y2 === undefined) continue; // beyond what is drawn
    const x1 = l.side === "left" ? w + 1 : (width + w) / 2, x2 = l.side === "left" ? (width - w) / 2 : width - w - 1;
    const bend = (x2 - x1) / 2;
    paths.append(svg("path", {
      d: `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
      class: l.slow ? "slow" : l.serves ? "serves" : "",
      "stroke-width": 1 + Math.min(5, Math.log10(1 + l.rate)),
    }));
  }
  const rows = Math.min(most, Math.max(left.size, center.size, right.size, 1));
  map.setAttribute("viewBox", `0 0 ${width} ${rows * high + 4}`);
  const none = middle.length === 0 ? [svg("text", { x: 4, y: 18, class: "dim" }, "Nobody publishes, subscribes or serves yet.")] : [];
  map.replaceChildren(paths, boxes, ...none);
}
