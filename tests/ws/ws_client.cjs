// `ws` against an echo: URL, where its module is, and whether messages are compressed ("off", "on", "stateless").
// Says "done" if all is well.
"use strict";

const assert = require("node:assert");
const { once } = require("node:events");
const { randomBytes } = require("node:crypto");

const [url, modules, compression] = process.argv.slice(2);
const { WebSocket } = require(`${modules}/ws`);

async function open(options = {}) {
  const socket = new WebSocket(url, { perMessageDeflate: { threshold: 0 }, maxPayload: 1 << 27, ...options });
  await once(socket, "open");
  return socket;
}

async function echo(socket, message, options = {}) {
  const came = once(socket, "message");
  socket.send(message, options);
  const [data, isBinary] = await came;
  assert.strictEqual(isBinary, options.binary ?? typeof message !== "string");
  assert.ok(Buffer.from(message).equals(data), `${message.length} bytes`);
}

async function messages() {
  const socket = await open();
  assert.strictEqual(socket.extensions.startsWith("permessage-deflate"), compression !== "off", socket.extensions);
  for (const length of [0, 1, 125, 126, 65535, 65536, 1 << 20]) {
    await echo(socket, randomBytes(length));
    await echo(socket, "some words, again and again, ".repeat(length / 29));
    await echo(socket, "mixed ".repeat(100), { compress: length % 2 === 0 });
  }
  await echo(socket, "as bytes", { binary: true });
  // Fragments with pings between them.
  const came = once(socket, "message");
  let pongs = 0;
  socket.on("pong", () => pongs++);
  for (let number = 0; number < 500; number++) {
    socket.send(`${number},`, { fin: number === 499 });
    socket.ping(String(number));
  }
  const [data] = await came;
  assert.strictEqual(data.toString(), Array.from({ length: 500 }, (_, number) => `${number},`).join(""));
  while (pongs < 500) await once(socket, "pong");
  // Many at once, in order.
  const all = Array.from({ length: 5000 }, (_, number) => `message ${number}`);
  const back = [];
  socket.on("message", (data) => back.push(data.toString()));
  all.forEach((message) => socket.send(message));
  while (back.length < all.length) await once(socket, "message");
  assert.deepStrictEqual(back, all);
  await echo(socket, randomBytes(64 << 20));
  socket.close(1000);
  await once(socket, "close");
}

async function endings() {
  for (const [code, reason] of [[1000, ""], [1001, "leaving"], [3999, "x".repeat(123)]]) {
    const socket = await open();
    const closed = once(socket, "close");
    socket.close(code, reason);
    assert.deepStrictEqual((await closed)[0], code);
  }
  const abrupt = await open();
  abrupt.send(randomBytes(100_000));
  abrupt.terminate();
  const greedy = await open({ perMessageDeflate: false });
  const closed = once(greedy, "close");
  greedy.on("error", () => {});
  greedy.send(Buffer.alloc((64 << 20) + 1));
  assert.strictEqual((await closed)[0], 1009);
}

async function refusals() {
  for (const [options, status] of [[{ origin: "https://evil.example" }, 403], [{ protocolVersion: 8 }, 426]]) {
    const socket = new WebSocket(url, options);
    const [error] = await once(socket, "error");
    assert.match(error.message, new RegExp(String(status)));
  }
}

(async () => {
  await messages();
  await endings();
  await refusals();
  console.log("done");
})();
