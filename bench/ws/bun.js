// Bun: PORT. /echo says what it hears, /subscribe hears what is said on /publish.

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request, server) {
    const path = new URL(request.url).pathname;
    return server.upgrade(request, { data: path }) ? undefined : new Response("", { status: 404 });
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      if (socket.data === "/subscribe") socket.subscribe("changes");
    },
    message(socket, message) {
      if (socket.data === "/publish") server.publish("changes", message);
      else socket.send(message);
    },
  },
});
