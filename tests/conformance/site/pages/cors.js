// What another origin lets this page do.
import { failure } from "./bytes.js";

const data = `${location.hash.slice(1)}/data`;

async function read(options) {
  try {
    const answer = await fetch(data, options);
    const seen = ["x-total", "x-hidden"].map((name) => answer.headers.get(name));
    return [answer.type, answer.status, await answer.text(), ...seen];
  } catch (error) {
    return error.name;
  }
}

export default async function find() {
  const put = (header) => ({ method: "PUT", headers: { [header]: "a" } });
  return {
    get: await read(),
    first: await read(put("X-Custom")),
    second: await read(put("X-Custom")),
    header: await failure(fetch(data, put("X-Other"))),
    method: await failure(fetch(data, { method: "DELETE" })),
    credentials: await failure(fetch(data, { credentials: "include" })),
    blind: await read({ mode: "no-cors" }),
  };
}
