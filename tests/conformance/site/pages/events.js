// Events over two connections: the server ends the first.
export default function find() {
  return new Promise((resolve) => {
    const [events, turns] = [[], []];
    const source = new EventSource("/events");
    source.onopen = () => turns.push("open");
    source.onerror = () => turns.push(source.readyState === EventSource.CONNECTING ? "again" : "over");
    source.onmessage = (event) => {
      events.push([event.lastEventId, event.data]);
      if (events.length === 6) {
        source.close();
        resolve({ events, turns });
      }
    };
  });
}
