// A WebSocket with the interface of browsers: what becomes of all it can do with an echo.

const open = (url) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => resolve(socket);
    socket.onerror = () => reject(new Error(`no connection to ${url}`));
  });

const end = (socket) =>
  new Promise((resolve) => {
    socket.onerror = () => {};
    socket.onclose = ({ code, reason, wasClean }) => resolve([code, reason, wasClean]);
  });

// What comes back of these messages, in order.
function back(socket, messages) {
  return new Promise((resolve, reject) => {
    const came = [];
    socket.onmessage = ({ data }) => {
      came.push(data);
      if (came.length === messages.length) resolve(came);
    };
    socket.onclose = ({ code, reason }) => reject(new Error(`closed: ${code} ${reason}`));
    for (const message of messages) socket.send(message);
  });
}

const bytes = (length) => Uint8Array.from({ length }, (_, index) => (index * 31) ^ (index >> 8));

function same(came, sent) {
  const view = new Uint8Array(came);
  return view.length === sent.length && view.every((byte, index) => byte === sent[index]);
}

const LENGTHS = [0, 1, 7, 125, 126, 127, 1000, 65535, 65536, 65537, 300000];

export async function facts(url, large) {
  const socket = await open(url);
  const found = { extensions: socket.extensions, protocol: socket.protocol };
  const texts = [...LENGTHS.map((length) => "x".repeat(length)), "Gr\u00fc\u00dfe \u{1f680}".repeat(1000)];
  found.text = (await back(socket, texts)).every((text, index) => text === texts[index]);
  const blocks = LENGTHS.map(bytes);
  found.binary = (await back(socket, blocks)).every((block, index) => same(block, blocks[index]));
  const numbers = Array.from({ length: 2000 }, (_, number) => String(number));
  found.order = (await back(socket, numbers)).join() === numbers.join();
  const block = new Uint8Array(large).fill(7);
  block[large - 1] = 8;
  const [came] = await back(socket, [block]);
  const view = new Uint8Array(came);
  found.large = view[0] === 7 && view[large - 1] === 8 ? view.length : -1;
  found.closed = [];
  for (const words of [[1000], [4000, "enough"], []]) {
    const other = words.length === 1 ? socket : await open(url);
    const ended = end(other);
    other.close(...words);
    found.closed.push(await ended);
  }
  const greedy = await open(url);
  const ended = end(greedy);
  greedy.send(new Uint8Array((64 << 20) + 1));
  found.tooLarge = (await ended)[0];
  return found;
}
