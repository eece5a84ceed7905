use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::example::Example;
use crate::support::{Browser, Came, Running, WebSocket};

/// Far more than it takes.
const LONG: Duration = Duration::from_secs(60);

/// A client's script with the chat's address, in the place where `scripts/test-deps` installs such clients.
fn client(chat: &Example) -> Running {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let python = tests.join("conformance/venv/bin/python");
    assert!(python.exists(), "{} is missing: run scripts/test-deps", python.display());
    let mut command = Command::new(python);
    command.arg(tests.join("library/chat_client.py")).arg(format!("ws://{}", chat.address()));
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "PYTHONPATH"] {
        command.env_remove(name);
    }
    Running::start(command, LONG)
}

fn enter(chat: &Example, target: &str) -> WebSocket {
    WebSocket::open(chat.address(), target, &[]).unwrap_or_else(|answer| panic!("{answer:?}"))
}

/// Says what the README of the examples says, as it stands there.
fn tell(chat: &Example) {
    let readme = include_str!("../../examples/README.md");
    let line = readme.split("```bash\n").nth(1).and_then(|rest| rest.lines().next()).expect("a command");
    let line = line.replace("127.0.0.1:8080", &chat.address().to_string());
    let mut command = Command::new("sh");
    command.args(["-euc", &line]).env("no_proxy", "127.0.0.1");
    let finished = Running::start(command, LONG).finish();
    assert!(finished.is_success(), "{line}: {}", finished.report());
}

#[test]
fn visitors_of_a_room_hear_each_other_and_the_end() {
    let chat = Example::start("chat", &[]);
    assert!(chat.get("/").text().contains("new WebSocket"));
    let mut client = client(&chat);
    assert!(client.answer("say it\n", "said\n"), "{}", client.finish().report());
    tell(&chat);
    assert!(client.answer("end it\n", "ended\n"), "{}", client.finish().report());
    chat.stop();
    let finished = client.finish();
    assert!(finished.is_success() && finished.stdout.ends_with("done\n"), "{}", finished.report());
}

#[test]
fn a_page_shows_what_is_said_and_says_what_is_typed() {
    let chat = Example::start("chat", &[]);
    let browser = Browser::open(&format!("http://{}/?name=%3Ci%3Eada#garden", chat.address()));
    let mut page = browser.page();
    page.wait_for("document.querySelectorAll('li').length", &1.into());
    let mut other = enter(&chat, "/rooms/garden?name=bob");
    assert!(matches!(other.next(), Came::Text(text) if text.contains("bob comes in")));
    page.evaluate("document.getElementById('text').focus()");
    page.type_in("grüße");
    page.press_enter();
    assert_eq!(other.next(), Came::Text(r#"{"from":"<i>ada","text":"grüße"}"#.to_owned()));
    other.send_text("<b>back");
    page.wait_for("document.querySelector('li').textContent", &"bob: <b>back".into());
    let lines = "[...document.querySelectorAll('li')].map(item => item.textContent)";
    let expected = ["bob: <b>back", "<i>ada: grüße", "bob comes in", "<i>ada comes in"];
    assert_eq!(page.evaluate(lines), serde_json::json!(expected));
    chat.stop();
    page.wait_for("socket.readyState", &3.into());
}

#[test]
fn who_is_no_visitor_is_told_why() {
    let chat = Example::start("chat", &[]);
    let plain = chat.get("/rooms/lobby?name=ada");
    assert_eq!((plain.status, plain.header("upgrade")), (426, Some("websocket")));
    assert_eq!(chat.ask("DELETE", "/rooms/lobby", &[], b"").status, 405);
    let refused = |target: &str, fields: &[(&str, &str)]| match WebSocket::open(chat.address(), target, fields) {
        Ok(_) => panic!("{target} is open"),
        Err(answer) => (answer.status, answer.text()),
    };
    let name = |length: usize| format!("/rooms/lobby?name={}", "n".repeat(length));
    assert_eq!((refused(&name(0), &[]).0, refused(&name(33), &[]).0, refused("/rooms/lobby", &[]).0), (400, 400, 400));
    assert_eq!(refused("/rooms/cellar?name=eve", &[]).0, 404);
    assert_eq!(
        chat.ask("POST", "/rooms/cellar", &[("Content-Type", "application/json")], br#"{"text":""}"#).status,
        404
    );
    let (status, text) = refused("/rooms/lobby?name=eve", &[("Origin", "https://evil.example")]);
    assert!(status == 403 && text.contains("origins") && !text.contains("[ws]"), "{text}");
    let mut socket = enter(&chat, &name(32));
    assert!(matches!(socket.next(), Came::Text(text) if text.contains("comes in")));
    chat.stop();
    assert!(matches!(socket.next(), Came::Text(_) | Came::Closed(1001, _)));
}

#[test]
fn a_room_holds_whoever_comes_and_forgets_who_is_gone() {
    let chat = Example::start("chat", &[]);
    let enter = |name: &str| enter(&chat, &format!("/rooms/kitchen?name={name}"));
    let mut first = enter("first");
    assert!(matches!(first.next(), Came::Text(_)));
    for round in 0..50 {
        let name = format!("v{round}");
        // One that goes without a word.
        drop(enter(&name));
        for what in ["comes in", "leaves"] {
            assert_eq!(first.next(), Came::Text(format!(r#"{{"from":null,"text":"{name} {what}"}}"#)));
        }
    }
    chat.stop();
}
