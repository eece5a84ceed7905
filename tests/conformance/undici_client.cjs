// undici with pipelining, streams and requests that are given up halfway.
// Arguments: the node's port, the path of a tarball, its length, where undici is. Says "done" if all is well.
"use strict";

const assert = require("node:assert");
const { Readable } = require("node:stream");
const { setTimeout: pause } = require("node:timers/promises");

const [port, tarball, length, modules] = process.argv.slice(2);
const { Client, Pool } = require(`${modules}/undici`);
const origin = `http://127.0.0.1:${port}`;

const echo = (body, more = {}) => ({ method: "POST", path: "/-/echo", body, ...more });

async function bytes(answer) {
  return Buffer.from(await answer.body.arrayBuffer());
}

// 2,000 requests, 50 on their way at any time on one connection, each with its own answer.
async function pipelines() {
  const client = new Client(origin, { pipelining: 50 });
  let connections = 0;
  client.on("connect", () => connections++);
  const one = async (number) => {
    switch (number % 4) {
      case 0: {
        // Only what is idempotent is sent behind others.
        const answer = await client.request(echo(`number ${number}`, { idempotent: true }));
        return assert.strictEqual(await answer.body.text(), `number ${number}`);
      }
      case 1: {
        const answer = await client.request({ method: "GET", path: "/-/ping" });
        return assert.deepStrictEqual(await answer.body.json(), {});
      }
      case 2: {
        // Left to itself, undici closes after HEAD, for servers that send a body all the same.
        const answer = await client.request({ method: "HEAD", path: "/thing", reset: false });
        assert.strictEqual(await answer.body.text(), "");
        return assert.strictEqual(answer.statusCode, 200);
      }
      default: {
        const answer = await client.request({ method: "GET", path: `/-/no/such/path/${number}` });
        assert((await answer.body.json()).error);
        return assert.strictEqual(answer.statusCode, 404);
      }
    }
  };
  await Promise.all(Array.from({ length: 2000 }, (_, number) => one(number)));
  assert.strictEqual(connections, 1);
  await client.close();
}

// Bodies of unknown length on their way in, large ones on their way out.
async function streams() {
  const pool = new Pool(origin, { connections: 4, pipelining: 4 });
  const one = async (number) => {
    const pieces = Array.from({ length: 40 }, (_, index) => Buffer.alloc(1 + index * 97, `${number}`));
    const answer = await pool.request(echo(Readable.from(pieces)));
    assert(Buffer.concat(pieces).equals(await bytes(answer)));
  };
  await Promise.all(Array.from({ length: 100 }, (_, number) => one(number)));
  const sizes = await Promise.all(Array.from({ length: 8 }, async () => {
    const answer = await pool.request({ method: "GET", path: tarball });
    return (await bytes(answer)).length;
  }));
  assert.deepStrictEqual(sizes, Array(8).fill(Number(length)));
  const etag = (await pool.request({ method: "HEAD", path: "/thing" })).headers.etag;
  const fresh = await pool.request({ method: "GET", path: "/thing", headers: { "if-none-match": etag } });
  assert.strictEqual(fresh.statusCode, 304);
  await fresh.body.dump();
  await pool.close();
}

// Whoever gives up in the middle disturbs nobody else.
async function aborts() {
  const pool = new Pool(origin, { connections: 8 });
  const one = async (number) => {
    const controller = new AbortController();
    const { signal } = controller;
    const endless = new Readable({ read() { setImmediate(() => this.push("x".repeat(100))); } });
    const request = number % 2
      ? pool.request(echo(endless, { signal })).then(bytes)
      : pool.request({ method: "GET", path: tarball, signal }).then(async (answer) => {
        for await (const piece of answer.body) {
          assert(piece.length > 0);
          controller.abort();
        }
      });
    const aborted = assert.rejects(request, { name: "AbortError" });
    if (number % 2) await pause(number % 7);
    if (number % 2) controller.abort();
    await aborted;
    const answer = await pool.request(echo(`after ${number}`));
    assert.strictEqual(await answer.body.text(), `after ${number}`);
  };
  await Promise.all(Array.from({ length: 60 }, (_, number) => one(number)));
  await pool.close();
}

// A connection that was closed on request is replaced.
async function closes() {
  const client = new Client(origin);
  const closed = await client.request({ method: "GET", path: "/-/ping", reset: true });
  assert.strictEqual(closed.headers.connection, "close");
  await closed.body.dump();
  const again = await client.request({ method: "GET", path: "/-/ping" });
  assert.deepStrictEqual(await again.body.json(), {});
  await client.close();
}

(async () => {
  await pipelines();
  await streams();
  await aborts();
  await closes();
  console.log("done");
})();
