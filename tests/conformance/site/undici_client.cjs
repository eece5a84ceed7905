// undici and its fetch at the site: connections that stay, validation, ranges, streams read slowly or given up.
// Arguments: the site's port, the directory it serves, the length of a file, when the files were modified,
// where undici is. Says "done" if all is well.
"use strict";

const assert = require("node:assert");
const { readFileSync } = require("node:fs");
const { setTimeout: pause } = require("node:timers/promises");
const { Writable } = require("node:stream");

const [port, files, length, modified, modules] = process.argv.slice(2);
const { Agent, Client, fetch } = require(`${modules}/undici`);
const origin = `http://127.0.0.1:${port}`;
const blob = readFileSync(`${files}/blob.bin`);
const book = readFileSync(`${files}/book.txt`, "utf8");
const LINES = Array.from({ length: 20_000 }, (_, index) => `line ${index + 1}\n`).join("");

const dispatcher = new Agent({ connections: 1, pipelining: 1 });
const ask = (path, more = {}) => fetch(origin + path, { dispatcher, ...more });
const look = async () => (await (await fetch(`${origin}/look`)).json());

async function bytes(answer) {
  return Buffer.from(await answer.arrayBuffer());
}

// A client's cache by hand: with the tag and with the date, for files and what changes.
async function validates() {
  const first = await ask("/files/blob.bin");
  assert.strictEqual(first.status, 200);
  assert.strictEqual(first.headers.get("content-length"), length);
  assert.strictEqual(first.headers.get("last-modified"), modified);
  assert(blob.equals(await bytes(first)));
  const etag = first.headers.get("etag");
  for (const headers of [{ "if-none-match": etag }, { "if-modified-since": modified }]) {
    for (const method of ["GET", "HEAD"]) {
      const again = await ask("/files/blob.bin", { method, headers });
      assert.strictEqual(again.status, 304);
      assert.strictEqual(again.headers.get("etag"), etag);
      assert.strictEqual(await again.text(), "");
    }
  }
  const changed = await ask("/document", { method: "PUT", body: "new", headers: { "if-match": '"v1"' } });
  assert.strictEqual(changed.status, 204);
  assert.strictEqual(changed.headers.get("etag"), '"v2"');
  const late = await ask("/document", { method: "PUT", body: "late", headers: { "if-match": '"v1"' } });
  assert.strictEqual(late.status, 412);
  await late.text();
  const now = await ask("/document", { headers: { "if-none-match": '"v1"' } });
  assert.deepStrictEqual([now.status, await now.text()], [200, "new"]);
}

// Whatever the answer is, the connection goes on.
async function stays() {
  const client = new Client(origin);
  let connections = 0;
  client.on("connect", () => connections++);
  const paths = { "/files/blob.bin": 200, "/lines": 200, "/empty": 204, "/nothing": 404, "/fail": 500, "/packed/large": 200 };
  for (let round = 0; round < 10; round++) {
    for (const [path, status] of Object.entries(paths)) {
      const answer = await client.request({ method: "GET", path });
      await answer.body.arrayBuffer();
      assert.strictEqual(answer.statusCode, status, path);
    }
  }
  assert.strictEqual(connections, 1);
  await client.close();
}

async function ranges() {
  const size = blob.length;
  for (const [range, start, end] of [
    ["bytes=0-0", 0, 1], ["bytes=1000-1999", 1000, 2000], ["bytes=-10", size - 10, size], ["bytes=1000000-", 1_000_000, size],
  ]) {
    const part = await ask("/files/blob.bin", { headers: { range } });
    assert.strictEqual(part.status, 206);
    assert.strictEqual(part.headers.get("content-range"), `bytes ${start}-${end - 1}/${size}`);
    assert(blob.subarray(start, end).equals(await bytes(part)), range);
  }
  const beyond = await ask("/files/blob.bin", { headers: { range: `bytes=${size}-` } });
  assert.deepStrictEqual([beyond.status, beyond.headers.get("content-range")], [416, `bytes */${size}`]);
  await beyond.text();
}

async function codings() {
  for (const coding of ["gzip", "br", "zstd"]) {
    for (const [path, plain] of [[`/siblings-${coding}/book.txt`, book], [`/packed-${coding}/lines`, LINES]]) {
      const answer = await ask(path, { headers: { "accept-encoding": coding } });
      assert.strictEqual(answer.headers.get("content-encoding"), coding, path);
      assert.strictEqual(answer.headers.get("vary"), "Accept-Encoding", path);
      assert.strictEqual(await answer.text(), plain, path);
    }
  }
}

async function heads() {
  for (const [path, status] of [["/files/book.txt", 200], ["/lines", 200], ["/empty", 204], ["/nothing", 404]]) {
    const head = await ask(path, { method: "HEAD" });
    assert.deepStrictEqual([head.status, await head.text()], [status, ""], path);
  }
  const options = await ask("/echo", { method: "OPTIONS" });
  assert.deepStrictEqual([options.status, options.headers.get("allow").split(", ").sort()], [204, ["OPTIONS", "POST", "PUT"]]);
}

async function trailers() {
  const client = new Client(origin);
  const answer = await client.request({ method: "GET", path: "/lines", headers: { te: "trailers" } });
  assert.strictEqual(await answer.body.text(), LINES);
  assert.deepStrictEqual({ ...answer.trailers }, { "x-sum": "200010000", "x-count": "20000" });
  await client.close();
}

// One that reads a little and then nothing: the source stands still, far from its end.
async function slowly() {
  const client = new Client(origin);
  let taken = 0;
  const controller = new AbortController();
  const streamed = client.stream({ method: "GET", path: "/flood", signal: controller.signal }, () => new Writable({
    highWaterMark: 1,
    write(piece, _, next) {
      taken += piece.length;
      if (taken < 3_000_000) next();
    },
  }));
  const aborted = assert.rejects(streamed, { name: "AbortError" });
  while (taken < 3_000_000) await pause(5);
  let before = -1;
  for (let [now] = await look(); before !== now; [now] = await look()) {
    before = now;
    await pause(100);
  }
  const [pulled, dropped] = await look();
  assert.strictEqual(pulled, before);
  // The rest is in the buffers of the two ends of the connection.
  assert(pulled >= taken && pulled - taken < 32 << 20, `${pulled} pulled, ${taken} taken`);
  assert.strictEqual(dropped, 0);
  controller.abort();
  await aborted;
  await isDropped(1);
  await client.close();
}

async function isDropped(count) {
  const deadline = Date.now() + 20_000;
  while ((await look())[1] < count) {
    assert(Date.now() < deadline, `${await look()}`);
    await pause(10);
  }
}

// Given up in the middle: the source goes, others are served.
async function aborts() {
  const controller = new AbortController();
  const answer = await ask("/flood", { signal: controller.signal });
  const reader = answer.body.getReader();
  const { value } = await reader.read();
  assert(value.length > 0);
  controller.abort();
  await assert.rejects(async () => { while (!(await reader.read()).done); }, { name: "AbortError" });
  await isDropped(2);
  const after = await ask("/echo", { method: "POST", body: "after" });
  assert.strictEqual(await after.text(), "after");
}

(async () => {
  await validates();
  await stays();
  await ranges();
  await codings();
  await heads();
  await trailers();
  await slowly();
  await aborts();
  console.log("done");
  process.exit(0);
})();
