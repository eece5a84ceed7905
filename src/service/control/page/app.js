// Shows the 13 bytes, and sends what is changed. What is shown is always what the node has said: a change
// shows when the node tells it to everybody.

import { BYTE, CONFIG_BYTES, FEATURE } from "./frames.js";
import { Live } from "./socket.js";

const FIELDS = [
  ["version", 1],
  ["registry_hash", 4],
  ["feature_flags", 4],
  ["terminal_mode", 1],
  ["rows", 1],
  ["cols", 1],
  ["reserved", 1],
];
const FLAGS_AT = 5;
const FLAGS = [
  ["PREMIUM_TYPES", "has no effect yet"],
  ["PRIVATE_REGISTRY", "nothing is shown to who is not logged in"],
  ["DEBUG", "each request is logged"],
  ["PROXY_MODE", "has no effect yet"],
  ["BINARY_PROTOCOL", "this page is told of changes, and can make some"],
  ["CACHE_ENABLED", "rendered documents are kept in memory"],
  ["METRICS", "counters are printed on request"],
  ["LOGGING", "more than errors is logged"],
];
const KEPT_AS = "lattice.token";

const element = (id) => document.getElementById(id);
const hex = (number, digits) => number.toString(16).padStart(digits, "0");
const make = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

let config = null;
const inputs = [];
const boxes = [];

function fieldOf(offset) {
  let start = 0;
  for (const [name, bytes] of FIELDS) {
    if (offset < start + bytes) {
      return bytes === 1 ? name : `${name} ${offset - start}`;
    }
    start += bytes;
  }
  return "";
}

function say(sentence) {
  element("error").textContent = sentence;
}

const live = new Live({
  state(bytes, sequence) {
    say("");
    config = bytes;
    show();
    element("sequence").textContent = String(sequence);
  },
  error(sentence) {
    say(sentence);
    show();
  },
  status(name, sentence) {
    element("status").textContent = sentence;
    document.body.dataset.status = name;
    for (const control of [...inputs, ...boxes]) {
      control.disabled = name !== "open" || config === null;
    }
  },
});

function show() {
  if (config === null) {
    return;
  }
  inputs.forEach((input, offset) => {
    const [before, shown] = [input.dataset.shown, hex(config[offset], 2)];
    input.parentElement.classList.toggle("changed", before !== undefined && before !== shown);
    // Nobody's typing is overwritten.
    if (document.activeElement !== input || input.value === before || input.value === input.dataset.sent) {
      input.value = shown;
    }
    input.dataset.shown = shown;
    input.dataset.sent = "";
    input.disabled = false;
  });
  boxes.forEach((box, bit) => {
    box.checked = (config[FLAGS_AT] & (1 << bit)) !== 0;
    box.disabled = false;
  });
  const view = new DataView(config.buffer, config.byteOffset, CONFIG_BYTES);
  element("registry_hash").textContent = `0x${hex(view.getUint32(1, true), 8)}`;
  element("feature_flags").textContent = `0x${hex(view.getUint32(FLAGS_AT, true), 8)}`;
  element("terminal").textContent = `mode ${config[9]}, ${config[10]} rows, ${config[11]} columns`;
}

function commit(input, offset) {
  const text = input.value.trim();
  // Enter and leaving are told one after the other.
  if (config === null || text === input.dataset.shown || text === input.dataset.sent) {
    return;
  }
  if (!/^[0-9a-f]{1,2}$/i.test(text)) {
    say(`byte ${offset} may not be "${text}": allowed are two hexadecimal digits`);
  } else if (live.send(BYTE, offset, Number.parseInt(text, 16))) {
    input.dataset.sent = text;
  } else {
    say("not connected: nothing was changed");
  }
}

function addByte(offset) {
  const name = fieldOf(offset);
  const input = make("input", { id: `byte${offset}`, type: "text", maxLength: 2, disabled: true, spellcheck: false });
  input.autocomplete = "off";
  input.addEventListener("change", () => commit(input, offset));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      commit(input, offset);
    } else if (event.key === "Escape") {
      input.value = input.dataset.shown ?? "";
    }
  });
  input.addEventListener("blur", () => {
    input.value = input.dataset.shown ?? "";
  });
  inputs.push(input);
  const place = make("span", { className: "offset", textContent: `0x${hex(offset, 2)}` });
  const label = make("label", { htmlFor: input.id }, place, make("span", { className: "name", textContent: name }));
  element("bytes").append(make("li", {}, label, input));
}

function addFlag(bit) {
  const [name, effect] = FLAGS[bit];
  const box = make("input", { id: `flag${bit}`, type: "checkbox", disabled: true });
  box.setAttribute("aria-describedby", `effect${bit}`);
  box.addEventListener("change", () => {
    const wanted = box.checked;
    if (!live.send(FEATURE, bit, wanted ? 1 : 0)) {
      say("not connected: nothing was changed");
    }
    // Until the node says so, it is as it was.
    box.checked = !wanted;
  });
  boxes.push(box);
  const told = make("span", { id: `effect${bit}`, className: "effect", textContent: effect });
  element("flags").append(make("div", {}, box, make("label", { htmlFor: box.id, textContent: name }), told));
}

for (let offset = 0; offset < CONFIG_BYTES; offset += 1) {
  addByte(offset);
}
FLAGS.forEach((_, bit) => addFlag(bit));

element("login").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = element("token").value.trim();
  element("token").value = "";
  sessionStorage.setItem(KEPT_AS, token);
  say("");
  live.connect(token);
});
element("logout").addEventListener("click", () => {
  sessionStorage.removeItem(KEPT_AS);
  say("");
  live.connect("");
});

live.connect(sessionStorage.getItem(KEPT_AS) ?? "");
