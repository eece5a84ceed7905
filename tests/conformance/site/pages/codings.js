// What a browser makes of each coding.
import { bytes, sum } from "./bytes.js";

export default async function find() {
  const found = {};
  for (const coding of ["gzip", "br", "zstd"]) {
    for (const path of [`/siblings-${coding}/book.txt`, `/packed-${coding}/large`, `/packed-${coding}/lines`]) {
      const answer = await fetch(path);
      found[path] = [answer.headers.get("content-encoding"), sum(await bytes(answer))];
    }
  }
  return found;
}
