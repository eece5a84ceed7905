// Bun: PORT FILE static|dynamic. Static routes are rendered once; dynamic ones call a handler for each request.

const [port, file, kind] = process.argv.slice(2);

const plaintext = () => new Response("Hello, World!", { headers: { "content-type": "text/plain" } });

const answer = (id) =>
  Response.json({
    id,
    name: "Ada Lovelace",
    email: "ada@example.com",
    roles: ["admin", "editor", "reviewer"],
    active: true,
    logins: 1815,
    team: "analytical-engines",
    created: "1843-10-18T09:00:00Z",
  });

// Bun has no middleware: a function around the handler is what people write.
const marked = (handler) => (request) => {
  const response = handler(request);
  response.headers.set("x-bench", "1");
  return response;
};

const isStatic = kind === "static";

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  idleTimeout: 255,
  routes: {
    "/plaintext": isStatic ? plaintext() : plaintext,
    "/users/:id": marked((request) => answer(request.params.id)),
    "/file": isStatic ? new Response(await Bun.file(file).bytes()) : () => new Response(Bun.file(file)),
  },
  fetch: () => new Response("", { status: 404 }),
});
