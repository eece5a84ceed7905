//! Who may do what: every route, everybody.

use super::{node, settings};
use crate::service::npm::testing::Node;

/// Nobody in particular, nobody valid, a user who may, one who may not, one's read-only token, an
/// administrator.
const EVERYBODY: [&str; 6] = ["", "Bearer bad", "Bearer ann", "Bearer eve", "Bearer ann!", "Bearer root"];

fn statuses(line: &str, body: &[u8]) -> [u16; 6] {
    EVERYBODY.map(|who| {
        let mut node = node();
        node.store.add_user("root", "r-password");
        let authorization = format!("Authorization: {who}");
        let mut lines = vec![line];
        if !who.is_empty() {
            lines.push(&authorization);
        }
        let response = node.send(&lines, body);
        if response.status == 401 {
            assert_eq!(response.header("WWW-Authenticate"), Some("Bearer"), "{line}");
        }
        if response.status >= 400 {
            assert!(response.json()["error"].is_string(), "{line}: {response:?}");
            let looked_up = response.jobs() > 0 || response.streamed;
            let is_refusal = matches!(response.status, 401 | 403) && !line.contains("/-/user/");
            assert!(!(is_refusal && looked_up), "{line} by {who}: refused before anything is read");
        }
        response.status
    })
}

#[test]
fn every_route_of_a_closed_package_is_closed() {
    let deprecate = br#"{"_id":"@closed/c","versions":{"1.0.0":{"deprecated":"x"},"2.0.0":{}}}"#.as_slice();
    let reduced = br#"{"_rev":"2-x","versions":{"2.0.0":{}}}"#.as_slice();
    let table: [(&str, &[u8], [u16; 6]); 12] = [
        //                                         anonymous invalid ann  eve  read-only admin
        ("GET /@closed%2fc HTTP/1.1", b"", [401, 401, 200, 403, 200, 200]),
        ("GET /@closed/c?write=true HTTP/1.1", b"", [401, 401, 200, 403, 200, 200]),
        ("GET /@closed/c/latest HTTP/1.1", b"", [401, 401, 200, 403, 200, 200]),
        ("GET /@closed/c/-/c-1.0.0.tgz HTTP/1.1", b"", [401, 401, 200, 403, 200, 200]),
        ("GET /-/package/@closed/c/dist-tags HTTP/1.1", b"", [401, 401, 200, 403, 200, 200]),
        ("PUT /-/package/@closed/c/dist-tags/next HTTP/1.1", b"\"1.0.0\"", [401, 401, 201, 403, 403, 201]),
        ("DELETE /-/package/@closed/c/dist-tags/next HTTP/1.1", b"", [401, 401, 404, 403, 403, 404]),
        ("PUT /@closed%2fc HTTP/1.1", deprecate, [401, 401, 201, 403, 403, 201]),
        ("PUT /@closed/c/-rev/2-x HTTP/1.1", reduced, [401, 401, 201, 403, 403, 201]),
        ("DELETE /@closed/c/-rev/2-x HTTP/1.1", b"", [401, 401, 200, 403, 403, 200]),
        ("DELETE /@closed/c/-/c-9.0.0.tgz/-rev/2-x HTTP/1.1", b"", [401, 401, 200, 403, 403, 200]),
        ("GET /@closed/nothing HTTP/1.1", b"", [401, 401, 404, 403, 404, 404]),
    ];
    for (line, body, expected) in table {
        assert_eq!(statuses(line, body), expected, "{line}");
    }
}

#[test]
fn every_other_route_knows_who_asks() {
    let user = br#"{"name":"ann","password":"a-password"}"#.as_slice();
    let table: [(&str, &[u8], [u16; 6]); 7] = [
        //                                         anonymous invalid ann  eve  read-only admin
        ("GET /-/whoami HTTP/1.1", b"", [401, 401, 200, 200, 200, 200]),
        ("GET /-/v1/search?text=c HTTP/1.1", b"", [200, 401, 200, 200, 200, 200]),
        ("GET /-/_view/starredByUser?key=%22ann%22 HTTP/1.1", b"", [200, 401, 200, 200, 200, 200]),
        ("DELETE /-/user/token/x HTTP/1.1", b"", [401, 401, 404, 404, 404, 404]),
        // A login often begins with a token that is no longer valid.
        ("GET /-/user/org.couchdb.user:ann HTTP/1.1", b"", [200, 200, 200, 200, 200, 200]),
        ("PUT /-/user/org.couchdb.user:ann HTTP/1.1", user, [409, 409, 409, 409, 409, 409]),
        ("PUT /-/user/org.couchdb.user:ann/-rev/1 HTTP/1.1", user, [401, 401, 401, 401, 401, 401]),
    ];
    for (line, body, expected) in table {
        assert_eq!(statuses(line, body), expected, "{line}");
    }
}

#[test]
fn every_route_is_in_one_of_the_tables() {
    assert_eq!(crate::service::npm::Npm::routes(&settings()).len(), 17);
}

#[test]
fn a_document_kept_for_one_is_not_given_to_another() {
    let mut node = node();
    for (who, status) in [("ann", 200), ("eve", 403), ("bad", 401), ("bob", 200)] {
        let who = format!("Authorization: Bearer {who}");
        for path in ["/@team/t", "/@team/t/-/t-1.0.0.tgz"] {
            assert_eq!(node.ask(&[&format!("GET {path} HTTP/1.1"), &who]).status, status, "{who} {path}");
        }
    }
    assert_eq!(node.get("/@team/t").status, 401);
}

#[test]
fn a_body_as_large_as_a_publish_is_taken_and_no_larger() {
    let routes = crate::service::npm::Npm::routes(&settings());
    let tarball = settings().tarball_bytes;
    let streams: Vec<u64> = routes
        .iter()
        .filter_map(|route| match route.body {
            crate::app::BodyPolicy::Stream { max } => Some(max),
            _ => None,
        })
        .collect();
    let expected = tarball.div_ceil(3) * 4 + crate::limits::METADATA_DOCUMENT_BYTES_MAX as u64;
    assert_eq!(streams, [expected, expected]);
}

#[test]
fn search_shows_and_counts_only_what_the_asker_may_see() {
    let search = |node: &mut Node, who: &str, query: &str| {
        let line = format!("GET /-/v1/search?{query} HTTP/1.1");
        let who = format!("Authorization: Bearer {who}");
        let lines: Vec<&str> = if who.ends_with(' ') { vec![&line] } else { vec![&line, &who] };
        let json = node.ask(&lines).json();
        let names: Vec<String> = json["objects"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|object| object["package"]["name"].as_str().map(str::to_owned))
            .collect();
        (names.join(" "), json["total"].as_u64())
    };
    let mut node = node();
    for (who, names, total) in [
        ("", "@prune/p @s/n open", 3),
        ("eve", "@prune/p @s/n open", 3),
        ("bob", "@prune/p @s/n @team/t open", 4),
        ("ann", "@closed/c @prune/p @s/n @team/t open", 5),
        ("root", "@closed/c @prune/p @s/n @team/t open", 5),
    ] {
        let all = search(&mut node, who, "text=keywords:any");
        assert_eq!(all, (names.into(), Some(total)), "{who}");
        let (page, counted) = search(&mut node, who, "text=keywords:any&size=1&from=1");
        assert_eq!((page.as_str(), counted), (names.split(' ').nth(1).unwrap(), Some(total)), "{who}");
    }
    assert_eq!(search(&mut node, "ann", "text=op&size=x&from=99999999999999999999"), ("open".into(), Some(1)));
}
