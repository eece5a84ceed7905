// uWebSockets, one loop. It has routes but no middleware: the handler adds the header.

#include "App.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

static constexpr const char *USER =
    "{\"id\":\"%.*s\",\"name\":\"Ada Lovelace\",\"email\":\"ada@example.com\",\"roles\":[\"admin\",\"editor\","
    "\"reviewer\"],\"active\":true,\"logins\":1815,\"team\":\"analytical-engines\","
    "\"created\":\"1843-10-18T09:00:00Z\"}";

static void plaintext(uWS::HttpResponse<false> *response, uWS::HttpRequest *)
{
    response->writeHeader("Content-Type", "text/plain")->end("Hello, World!");
}

static void user(uWS::HttpResponse<false> *response, uWS::HttpRequest *request)
{
    char json[512];
    std::string_view id = request->getParameter(0).substr(0, 64);
    int bytes = std::snprintf(json, sizeof json, USER, static_cast<int>(id.size()), id.data());
    response->writeHeader("Content-Type", "application/json")->writeHeader("x-bench", "1");
    response->end(std::string_view(json, static_cast<size_t>(bytes)));
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? std::atoi(argv[1]) : 0;
    uWS::App app;
    app.get("/plaintext", plaintext).get("/users/:id", user);
    app.listen("127.0.0.1", port, [](auto *socket) {
        if (!socket)
            std::exit(1);
    });
    app.run();
}
