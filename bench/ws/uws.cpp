// uWebSockets, one loop: /echo says what it hears, /subscribe hears what is said on /publish.

#include "App.h"

#include <cstdlib>
#include <string_view>

struct Nothing {
};
using Socket = uWS::WebSocket<false, true, Nothing>;
using Behavior = uWS::App::WebSocketBehavior<Nothing>;

// Room for what the bench has in flight on a connection: with the defaults, messages would be dropped.
static Behavior behavior()
{
    Behavior behavior;
    behavior.maxPayloadLength = 1 << 20;
    behavior.maxBackpressure = 64 << 20;
    return behavior;
}

static Behavior echo()
{
    Behavior echo = behavior();
    echo.message = [](Socket *socket, std::string_view message, uWS::OpCode code) { socket->send(message, code); };
    return echo;
}

static Behavior subscribe()
{
    Behavior subscribe = behavior();
    subscribe.open = [](Socket *socket) { socket->subscribe("changes"); };
    return subscribe;
}

static Behavior publish(uWS::App &app)
{
    Behavior publish = behavior();
    publish.message = [&app](Socket *, std::string_view message, uWS::OpCode code) {
        app.publish("changes", message, code);
    };
    return publish;
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? std::atoi(argv[1]) : 0;
    uWS::App app;
    app.ws<Nothing>("/echo", echo()).ws<Nothing>("/subscribe", subscribe()).ws<Nothing>("/publish", publish(app));
    app.listen("127.0.0.1", port, [](auto *socket) {
        if (!socket)
            std::exit(1);
    });
    app.run();
}
