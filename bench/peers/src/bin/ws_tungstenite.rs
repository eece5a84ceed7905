//! tokio-tungstenite on tokio's current_thread runtime: a task for each connection, a channel for each subscriber.
//!
//! `ws_tungstenite PORT [BYTES]`: of the read buffer, which the library fills with zeros before each read and
//! which is 128 KiB otherwise. `/echo` says what it hears, `/subscribe` hears what is said on `/publish`.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use bench_peers::address;
use futures_util::{StreamExt, TryStreamExt, future};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

type Socket = WebSocketStream<TcpStream>;
type Subscribers = Rc<RefCell<Vec<UnboundedSender<Message>>>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    LocalSet::new().run_until(listen()).await
}

async fn listen() -> io::Result<()> {
    let listener = TcpListener::bind(address()).await?;
    let subscribers = Subscribers::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A connection that breaks ends its own task only.
        spawn_local(serve(stream, subscribers.clone()));
    }
}

async fn serve(stream: TcpStream, subscribers: Subscribers) -> Result<(), Error> {
    let mut path = String::new();
    // The library's own type of a refusal is large; nothing is refused here.
    #[expect(clippy::result_large_err)]
    let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        path = request.uri().path().to_owned();
        Ok(response)
    };
    let socket = accept_hdr_async_with_config(stream, note, Some(config())).await?;
    match path.as_str() {
        "/subscribe" => {
            let (sender, messages) = unbounded_channel();
            subscribers.borrow_mut().push(sender);
            subscribe(socket, messages).await
        }
        "/publish" => publish(socket, subscribers).await,
        _ => echo(socket).await,
    }
}

fn config() -> WebSocketConfig {
    let bytes = std::env::args().nth(2).and_then(|bytes| bytes.parse().ok());
    bytes.map_or_else(WebSocketConfig::default, |bytes| WebSocketConfig::default().read_buffer_size(bytes))
}

async fn echo(socket: Socket) -> Result<(), Error> {
    let (output, input) = socket.split();
    // Pings are answered by the library.
    input.try_filter(|message| future::ready(message.is_text() || message.is_binary())).forward(output).await
}

async fn subscribe(socket: Socket, messages: UnboundedReceiver<Message>) -> Result<(), Error> {
    let (output, input) = socket.split();
    let messages = futures_util::stream::unfold(messages, async |mut messages| {
        let message = messages.recv().await?;
        Some((Ok(message), messages))
    });
    // By itself, so that a message that is sent wakes no reader.
    spawn_local(input.try_for_each(|_| future::ok(())));
    messages.forward(output).await
}

async fn publish(mut socket: Socket, subscribers: Subscribers) -> Result<(), Error> {
    while let Some(message) = socket.try_next().await? {
        if message.is_binary() {
            // Who is gone takes no more.
            subscribers.borrow_mut().retain(|subscriber| subscriber.send(message.clone()).is_ok());
        }
    }
    Ok(())
}
