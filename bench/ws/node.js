// The `ws` package on Node.js: PORT. /echo says what it hears, /subscribe hears what is said on /publish.

const { WebSocketServer } = require("ws");

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), perMessageDeflate: false });
const subscribers = new Set();

const roles = {
  "/echo": (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })),
  "/subscribe": (socket) => {
    subscribers.add(socket);
    socket.on("close", () => subscribers.delete(socket));
  },
  "/publish": (socket) =>
    socket.on("message", (data, binary) => subscribers.forEach((subscriber) => subscriber.send(data, { binary }))),
};

server.on("connection", (socket, request) => roles[request.url]?.(socket));
