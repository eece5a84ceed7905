// Parts of a file, against the whole.
import { bytes } from "./bytes.js";

export default async function find() {
  const whole = await bytes(await fetch("blob.bin"));
  const found = {};
  for (const [range, start, end] of [
    ["bytes=0-0", 0, 1],
    ["bytes=1000-1999", 1000, 2000],
    ["bytes=-10", whole.length - 10, whole.length],
    ["bytes=1000000-", 1_000_000, whole.length],
  ]) {
    const answer = await fetch("blob.bin", { headers: { Range: range }, cache: "no-store" });
    const part = await bytes(answer);
    const same = part.length === end - start && part.every((byte, index) => byte === whole[start + index]);
    found[range] = [answer.status, answer.headers.get("content-range"), same];
  }
  const beyond = await fetch("blob.bin", { headers: { Range: "bytes=99999999-" }, cache: "no-store" });
  found.beyond = [beyond.status, beyond.headers.get("content-range")];
  return found;
}
