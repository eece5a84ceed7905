// A body of unknown length to its end, and one without an end until it is given up.
import { failure, sum } from "./bytes.js";

export default async function find() {
  let [length, total] = [0, 0];
  const lines = await fetch("/lines");
  for await (const piece of lines.body) {
    length += piece.length;
    total = sum(piece, total);
  }
  const controller = new AbortController();
  const flood = await fetch("/flood", { signal: controller.signal });
  const reader = flood.body.getReader();
  const { value } = await reader.read();
  controller.abort();
  const aborted = await failure((async () => {
    while (!(await reader.read()).done);
  })());
  return { length, total, trailer: lines.headers.get("trailer"), some: value.length > 0, aborted };
}
