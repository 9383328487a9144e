// Asking the gateway: with the token of this tab, if there is one.

const tokenKey = "ringcast-token";

export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

export function setToken(token) {
  sessionStorage.setItem(tokenKey, token);
}

// ask returns the response, or throws a Refused with the reason.
export async function ask(path, options = {}) {
  const token = sessionStorage.getItem(tokenKey);
  const headers = token ? { Authorization: "Bearer " + token } : {};
  const response = await fetch(path, { ...options, headers, cache: "no-store" });
  if (response.ok) return response;
  const text = await response.text();
  let reason = text.trim();
  try {
    reason = JSON.parse(text).detail;
  } catch { /* the reason is plain text */ }
  throw new Refused(response.status, reason);
}

// events reads server-sent events and calls back with {event, data} until the signal aborts
// or the gateway ends them. EventSource can't send a token.
export async function events(path, signal, each) {
  const response = await ask(path, { signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const one = { event: "", data: "" };
      for (const line of part.split("\n")) {
        const at = line.indexOf(": ");
        if (at > 0) one[line.slice(0, at)] = line.slice(at + 2);
      }
      if (one.data) each(one.event, JSON.parse(one.data));
    }
  }
}
