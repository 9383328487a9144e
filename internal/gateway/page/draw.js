// Small tools to draw with. All text goes in as text: names and payloads are others' input.

export const byId = (id) => document.getElementById(id);

// element makes an element of a class, with children that are elements or text.
export function element(name, className, ...children) {
  const e = document.createElement(name);
  if (className) e.className = className;
  e.append(...children);
  return e;
}

// key names a number, so that it can be found again.
export function key(e, name) {
  e.dataset.key = name;
  return e;
}

const whole = new Intl.NumberFormat("en-US");

export const number = (n) => whole.format(n);

// nodeOf is the node of a process, whose number its address begins with: n7-1f03.12.5.
export function nodeOf(address, nodes) {
  const number = Number(address.slice(1, address.indexOf("-")));
  return nodes.find((n) => n.node === number);
}

// placeOf says where a process runs.
export function placeOf(p, nodes) {
  return p.pid ? "pid " + p.pid : "on " + (nodeOf(p.address, nodes)?.name ?? "another node");
}

// perSecond writes a rate with as many digits as it has meaning.
export const perSecond = (n) => (n >= 10 || n === 0 ? whole.format(Math.round(n)) : n.toFixed(1));

// micros writes a time that was measured in microseconds.
export function micros(us) {
  if (us === 0) return "–";
  if (us < 1000) return us + " µs";
  return us < 1e6 ? (us / 1000).toFixed(1) + " ms" : (us / 1e6).toFixed(2) + " s";
}

// table draws rows. A column is {head, of(row), key(row), kind, rare}, where kind is number or
// code; one that is rare is left out where no row has it.
export function table(id, all, rows, nothing) {
  const columns = all.filter((c) => !c.rare || rows.some((row) => c.of(row) !== ""));
  const head = element("tr", "", ...columns.map((c) => element("th", c.kind === "number" ? "number" : "", c.head)));
  const lines = rows.map((row) =>
    element("tr", "", ...columns.map((c) => {
      const cell = element("td", c.kind ?? "", c.of(row));
      return c.key ? key(cell, c.key(row)) : cell;
    })));
  if (rows.length === 0) {
    byId(id).replaceChildren(element("tbody", "", element("tr", "", element("td", "empty", nothing))));
    return;
  }
  byId(id).replaceChildren(element("thead", "", head), element("tbody", "", ...lines));
}
