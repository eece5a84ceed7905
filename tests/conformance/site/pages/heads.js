// What a script sees of heads: timings, request ids, HEAD.
export default async function find() {
  const timed = (entry) => entry.serverTiming.map(({ name, duration }) => [name, duration >= 0 && duration < 30_000]);
  const given = await fetch("/empty", { headers: { "X-Request-Id": "mine" } });
  const head = await fetch("blob.bin", { method: "HEAD" });
  await (await fetch("/packed/text")).text();
  const greet = async (Accept) => (await fetch("/greeting", { headers: { Accept } })).text();
  const [page] = performance.getEntriesByType("navigation");
  const [text] = performance.getEntriesByName(new URL("/packed/text", location).href);
  return {
    given: [given.status, given.headers.get("x-request-id")],
    head: [head.status, head.headers.get("content-length"), await head.text()],
    page: timed(page),
    text: timed(text),
    greetings: [await greet("*/*"), await greet("text/html")],
    protocol: text.nextHopProtocol,
  };
}
