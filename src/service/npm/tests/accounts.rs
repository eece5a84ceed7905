//! Rows 14, 16 to 19 and 22: search, whoami, login, logout.

use super::{ANN, BOB, node, settings};
use crate::app::{Change, Lane};
use crate::service::npm::settings::Settings;
use crate::service::npm::testing::{Node, package, version};

const PUT_ANN: &str = "PUT /-/user/org.couchdb.user:ann HTTP/1.1";
const BODY: &[u8] = br#"{"_id":"org.couchdb.user:ann","name":"ann","password":"a-password","email":"a@x","type":"user","roles":[],"date":"d"}"#;

fn open_node() -> Node {
    Node::new(Settings { allow_signup: true, ..settings() })
}

#[test]
fn without_basic_an_existing_user_is_a_conflict_even_with_the_right_password() {
    let mut node = node();
    for lines in [vec![PUT_ANN], vec![PUT_ANN, ANN], vec![PUT_ANN, "Authorization: Bearer bad"]] {
        let response = node.send(&lines, BODY);
        assert_eq!((response.status, node.store.tokens.lock().unwrap().len()), (409, 0), "{lines:?}");
    }
}

#[test]
fn with_basic_a_login_is_a_login() {
    let mut node = node();
    for path in ["ann", "ann/-rev/1", "ann/-rev/undefined"] {
        let line = format!("PUT /-/user/org.couchdb.user:{path} HTTP/1.1");
        let response = node.send(&[&line, "Authorization: Basic ann"], BODY);
        assert_eq!((response.status, response.header("Cache-Control")), (201, Some("no-store")), "{path}");
        let json = response.json();
        assert_eq!(json["id"], "org.couchdb.user:ann");
        assert!(json["ok"].is_string() && json["token"].as_str().is_some_and(|token| token.ends_with("ann")));
        let other = node.send(&[&line, "Authorization: Basic bob"], BODY);
        assert_eq!(other.status, 403, "{path}: bob's password opens no account of ann's");
        assert_eq!(node.send(&[&line, "Authorization: Basic bad"], BODY).status, 401, "{path}: a wrong password");
    }
}

#[test]
fn a_token_makes_no_other_token() {
    let mut node = node();
    for who in [ANN, "Authorization: Bearer ann!", "Authorization: Bearer root"] {
        let line = "PUT /-/user/org.couchdb.user:ann/-rev/1 HTTP/1.1";
        assert_eq!(node.send(&[line, who], BODY).status, 401, "{who}");
    }
    assert!(node.store.tokens.lock().unwrap().is_empty());
}

#[test]
fn signing_up_is_off_unless_it_is_on() {
    let stranger = br#"{"name":"eve","password":"long enough"}"#;
    let line = "PUT /-/user/org.couchdb.user:eve HTTP/1.1";
    let mut closed = node();
    let refused = closed.send(&[line], stranger);
    assert_eq!((refused.status, refused.lanes), (403, vec![Lane::Io]));
    assert_eq!(closed.send(&[line, "Authorization: Basic bad"], stranger).status, 401);
    for basic in [None, Some("Authorization: Basic bad")] {
        let mut open = open_node();
        let lines: Vec<&str> = [Some(line), basic].into_iter().flatten().collect();
        let joined = open.send(&lines, stranger);
        assert_eq!((joined.status, joined.lanes.as_slice()), (201, [Lane::Slow].as_slice()));
        assert!(joined.json()["token"].is_string());
        assert_eq!(open.changes, [Change::Identity("eve".into())]);
        assert_eq!(open.send(&[line], stranger).status, 409, "the second time it is taken");
        assert_eq!(open.send(&[line, "Authorization: Basic bad"], stranger).status, 401);
    }
}

#[test]
fn a_sign_up_that_makes_no_sense_is_400() {
    let mut node = open_node();
    let line = "PUT /-/user/org.couchdb.user:eve HTTP/1.1";
    for body in [
        b"".as_slice(),
        b"[]",
        br#"{"name":"eve"}"#,
        br#"{"name":"eve","password":1}"#,
        br#"{"name":"other","password":"long enough"}"#,
        br#"{"name":"eve","password":"short"}"#,
        br#"{"name":"eve","password":"long enough","email":"a\nb"}"#,
    ] {
        let response = node.send(&[line], body);
        assert_eq!(response.status, 400, "{}", String::from_utf8_lossy(body));
        assert!(response.json()["error"].is_string());
    }
    let odd =
        node.send(&["PUT /-/user/org.couchdb.user:%24all HTTP/1.1"], br#"{"name":"$all","password":"long enough"}"#);
    assert_eq!(odd.status, 400);
    assert!(node.store.users.lock().unwrap().is_empty());
}

#[test]
fn a_user_is_shown_to_all_and_the_address_to_the_user() {
    let mut node = node();
    let line = "GET /-/user/org.couchdb.user:ann?write=true HTTP/1.1";
    for (who, email) in
        [("", ""), ("Bearer bob", ""), ("Bearer ann", "ann@example.org"), ("Bearer root", "ann@example.org")]
    {
        let who = format!("Authorization: {who}");
        let lines: Vec<&str> = if who.ends_with(' ') { vec![line] } else { vec![line, &who] };
        let json = node.ask(&lines).json();
        assert_eq!((json["name"].as_str(), json["email"].as_str()), (Some("ann"), Some(email)), "{who}");
        assert_eq!((json["_id"].as_str(), json["type"].as_str()), (Some("org.couchdb.user:ann"), Some("user")));
        assert!(json["roles"].is_array());
    }
    assert_eq!(node.get("/-/user/org.couchdb.user%3Aann").status, 200);
    for path in ["org.couchdb.user:nobody", "org.couchdb.user:", "ann", "org.couchdb.user:%00"] {
        assert_eq!(node.get(&format!("/-/user/{path}")).status, 404, "{path}");
    }
    assert_eq!(node.ask(&[line, "Authorization: Basic bad"]).status, 401);
}

#[test]
fn logout_ends_ones_own_token_and_never_repeats_it() {
    let mut node = node();
    node.store.tokens.lock().unwrap().insert("t0ken".into(), "ann".into());
    let line = "DELETE /-/user/token/t0ken HTTP/1.1";
    let others = node.ask(&[line, BOB]);
    assert_eq!(others.status, 404);
    assert!(!String::from_utf8_lossy(&others.body).contains("t0ken"));
    assert_eq!(node.ask(&[line, ANN]).status, 200);
    assert_eq!(node.changes, [Change::Identity("ann".into())]);
    assert_eq!(node.ask(&[line, ANN]).status, 404);
    assert_eq!(node.ask(&["DELETE /-/user/token/%ff HTTP/1.1", ANN]).status, 404);
}

#[test]
fn whoami_says_who() {
    let mut node = node();
    let response = node.ask(&["GET /-/whoami HTTP/1.1", ANN]);
    assert_eq!((response.status, response.json()["username"].as_str(), response.jobs()), (200, Some("ann"), 0));
}

#[test]
fn a_search_answers_in_the_shape_clients_read() {
    let mut node = node();
    let json = node.get("/-/v1/search?text=open&size=20&from=0&quality=1&popularity=1&maintenance=1").json();
    let object = &json["objects"][0];
    assert_eq!(json["time"], "1970-01-01T00:16:40.000Z");
    assert_eq!(json["total"], 1);
    let package = &object["package"];
    for (key, expected) in [
        ("name", serde_json::json!("open")),
        ("version", serde_json::json!("1.0.0")),
        ("description", serde_json::json!("a \"thing\"")),
        ("keywords", serde_json::json!(["k"])),
        ("date", serde_json::json!("1970-01-01T00:00:01.000Z")),
        ("links", serde_json::json!({"homepage": "h", "repository": "r"})),
        ("publisher", serde_json::json!({"username": "ann", "email": "ann@example.org"})),
        ("maintainers", serde_json::json!([{"username": "ann", "email": "ann@example.org"}])),
        ("license", serde_json::json!("MIT")),
    ] {
        assert_eq!(package[key], expected, "{key}");
    }
    assert_eq!((object["searchScore"].as_f64(), object["score"]["final"].as_f64()), (Some(1.5), Some(1.5)));
    assert!(object["score"]["detail"]["quality"].is_number() && object["flags"].is_object());
}

#[test]
fn a_search_without_a_text_is_told_so() {
    let mut node = node();
    for query in ["", "?text=", "?text=%20", "?text=+", "?size=3"] {
        let response = node.get(&format!("/-/v1/search{query}"));
        assert_eq!((response.status, response.json()["code"].as_str()), (400, Some("ERR_TEXT_MISSING")), "{query}");
    }
    assert_eq!(node.get("/-/v1/search?text=%ff").status, 400);
    assert_eq!(node.get(&format!("/-/v1/search?text={}", "a".repeat(1024))).status, 200);
    assert_eq!(node.get(&format!("/-/v1/search?text={}", "a".repeat(1025))).status, 400);
}

#[test]
fn a_page_of_a_search_has_at_most_250_results() {
    let mut node = node();
    for number in 0..260 {
        node.store.put(package(&format!("many{number}"), vec![version("1.0.0", 1)]));
    }
    for (size, expected) in [("", 20), ("&size=0", 0), ("&size=250", 250), ("&size=251", 250), ("&size=-1", 20)] {
        let json = node.get(&format!("/-/v1/search?text=many{size}")).json();
        assert_eq!(json["objects"].as_array().map(Vec::len), Some(expected), "{size}");
        assert_eq!(json["total"], 260);
    }
}
