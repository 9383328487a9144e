// The two boxes: call a service, watch a topic.

import { ask, events } from "./api.js";
import { byId, element, number } from "./draw.js";

const kept = 200; // messages that the list shows

async function call(event) {
  event.preventDefault();
  const name = byId("call-name").value.trim(), content = byId("call-content").value;
  const status = byId("call-status"), reply = byId("call-reply");
  status.textContent = "asking";
  status.className = "";
  reply.textContent = "";
  const begun = performance.now();
  const took = () => (performance.now() - begun).toFixed(1) + " ms";
  try {
    const response = await ask(`/v1/services/${encodeURIComponent(name)}?content=${content}`, { method: "POST", body: byId("call-body").value });
    reply.textContent = await response.text();
    status.textContent = `answered by ${response.headers.get("Ringcast-Source")} in ${took()}`;
  } catch (e) {
    status.className = "bad";
    status.textContent = `${e.status ?? ""} ${e.message} (${took()})`;
  }
}

let watching = null; // the AbortController of what is watched

// line is a message or an event as the list shows it.
function line(event, m) {
  if (event) return element("li", "bad", element("span", "", event), m.missed ? `${number(m.missed)} missed` : m.detail ?? "");
  const text = (m.value ? JSON.stringify(m.value) : m.payload) ?? (m.fields ? JSON.stringify(m.fields) : "base64 " + m.base64);
  return element("li", "", element("span", "", `${m.topic} ${m.sequence}`), text);
}

function stopWatch() {
  watching?.abort();
  watching = null;
  byId("watch-button").textContent = "Watch";
}

async function watch(event) {
  event.preventDefault();
  if (watching) {
    stopWatch();
    byId("watch-status").textContent = "– stopped";
    return;
  }
  const mine = (watching = new AbortController());
  const list = byId("watch-list"), status = byId("watch-status");
  let messages = 0, missed = 0, fresh = [];
  const show = () => {
    document.querySelector('[data-key="watch:messages"]').textContent = number(messages);
    document.querySelector('[data-key="watch:missed"]').textContent = number(missed);
    list.prepend(...fresh.reverse());
    fresh = [];
    while (list.childElementCount > kept) list.lastElementChild.remove();
  };
  list.replaceChildren();
  show();
  byId("watch-button").textContent = "Stop";
  // Drawn a few times a second, however fast the topic is.
  const draw = setInterval(show, 200);
  try {
    await events(`/v1/topics/${encodeURIComponent(byId("watch-name").value.trim())}`, mine.signal, (name, m) => {
      if (name === "open") {
        status.textContent = "– watching " + m.topic;
        return;
      }
      if (name) missed += m.missed ?? 0;
      else messages++;
      fresh.push(line(name, m));
      if (fresh.length > kept) fresh.shift();
    });
    status.textContent = "– the gateway has ended it";
  } catch (e) {
    if (!mine.signal.aborted) status.textContent = "– " + e.message;
  }
  clearInterval(draw);
  show();
  if (watching === mine) stopWatch();
}

export function setUpBoxes() {
  byId("call").addEventListener("submit", call);
  byId("watch").addEventListener("submit", watch);
}
