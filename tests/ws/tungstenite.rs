//! tungstenite: frames of its own making, and closes from both sides.

use std::net::TcpStream;

use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::{Error, Message, WebSocket};

use crate::support::{Node, noise};
use crate::{ROOMY, node, url};

fn open(node: &Node) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect(node.address()).expect("it listens");
    let (socket, response) = ::tungstenite::client(url(node), stream).expect("a handshake");
    assert_eq!(response.status(), 101);
    socket
}

fn fragment(opcode: Data, is_final: bool, payload: &[u8]) -> Message {
    Message::Frame(Frame::message(payload.to_vec(), OpCode::Data(opcode), is_final))
}

#[test]
fn tungstenite_finds_no_fault() {
    let node = node(ROOMY);
    let mut socket = open(&node);
    for length in [0, 1, 125, 126, 65_535, 65_536, 5_000_000] {
        let message = Message::binary(noise(length, 1));
        socket.send(message.clone()).expect("it is taken");
        assert_eq!(socket.read().expect("it comes back"), message, "{length} bytes");
    }
    let message = Message::text("gr\u{fc}n ".repeat(1000));
    socket.send(message.clone()).expect("it is taken");
    assert_eq!(socket.read().expect("it comes back"), message);
    // Text cut inside of a character, and a ping between the parts.
    let text = "\u{1f680}".repeat(50);
    let (first, rest) = text.as_bytes().split_at(101);
    socket.send(fragment(Data::Text, false, first)).expect("it is taken");
    socket.send(Message::Ping(b"there?".to_vec().into())).expect("it is taken");
    socket.send(fragment(Data::Continue, true, rest)).expect("it is taken");
    assert_eq!(socket.read().expect("a pong"), Message::Pong(b"there?".to_vec().into()));
    assert_eq!(socket.read().expect("it comes back"), Message::text(text));
    let close = CloseFrame { code: CloseCode::Library(4321), reason: "bye".into() };
    socket.close(Some(close.clone())).expect("it is taken");
    let Message::Close(Some(answer)) = socket.read().expect("a close") else { panic!("no code") };
    assert_eq!(answer.code, close.code);
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)), "the node ends the connection");
}

#[test]
fn a_node_that_goes_away_says_so() {
    let node = node(ROOMY);
    let mut socket = open(&node);
    socket.send(Message::text("hello")).expect("it is taken");
    assert_eq!(socket.read().expect("it comes back"), Message::text("hello"));
    node.signal("TERM");
    let Message::Close(Some(why)) = socket.read().expect("a close") else { panic!("no code") };
    assert_eq!(why.code, CloseCode::Away);
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
    assert!(node.terminate().success());
}
