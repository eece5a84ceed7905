//! What clients really send, next to what they packed, and what a liar would send.

use serde_json::json;

use super::*;
use crate::service::npm::archive::Contents;

fn object(value: Value) -> Manifest {
    match value {
        Value::Object(object) => object,
        _ => panic!("an object"),
    }
}

fn agreement(document: Value, tarball: Value) -> Result<(), Error> {
    let identity = |value: Value| {
        let mut manifest = object(value);
        manifest.entry("name").or_insert("@scope/odd".into());
        manifest.entry("version").or_insert("1.2.3".into());
        manifest
    };
    agree(&PackageName::parse("@scope/odd").unwrap(), "1.2.3", &identity(document), &identity(tarball))
}

fn field(document: Value, tarball: Value) -> String {
    match agreement(document, tarball) {
        Err(Error::Disagreement { field, .. }) => field,
        other => format!("{other:?}"),
    }
}

fn contents() -> Contents {
    Contents { manifest: vec![], readme: None, files: 1, unpacked: 1, has_shrinkwrap: false, has_gyp: false }
}

fn stored(document: Value, tarball: Value, contents: &Contents) -> (Value, Value) {
    let name = PackageName::parse("@scope/odd").unwrap();
    let publisher = Publisher { name: "me", email: "me@example.org" };
    let stored = store(&name, "1.2.3", &object(document), &object(tarball), contents, publisher);
    (serde_json::from_str(&stored.manifest).unwrap(), serde_json::from_str(&stored.abbreviated).unwrap())
}

#[test]
fn what_real_clients_send_agrees_with_what_they_packed() {
    let packed = json!({
        "version": "v1.2.3", "bin": "./bin/a.js", "dependencies": {"a": "^1.0.0", "b": "1"},
        "optionalDependencies": {"b": "2", "c": "3"}, "peerDependencies": {"p": "*"},
        "scripts": {"test": "./node_modules/.bin/jest", "prepare": "x"}, "bundleDependencies": false
    });
    let npm = json!({
        "bin": {"odd": "bin/a.js"}, "dependencies": {"a": "^1.0.0", "b": "1"},
        "optionalDependencies": {"b": "2", "c": "3"}, "peerDependencies": {"p": "*"},
        "scripts": {"test": "jest", "prepare": "x"}, "bundleDependencies": []
    });
    let mut yarn1 = npm.clone();
    yarn1["dependencies"] = json!({"a": "^1.0.0"});
    let mut old_npm = npm.clone();
    old_npm["dependencies"] = json!({"a": "^1.0.0", "b": "2", "c": "3"});
    let mut bun = npm.clone();
    bun["bin"] = json!({"@scope/odd": "bin/a.js"});
    for (client, document) in
        [("npm", npm), ("yarn 1", yarn1), ("old npm", old_npm), ("bun", bun), ("yarn 4", packed.clone())]
    {
        assert_eq!(agreement(document, packed.clone()), Ok(()), "{client}");
    }
}

#[test]
fn empty_and_absent_are_the_same() {
    let empty =
        json!({"dependencies": {}, "bin": {}, "scripts": {}, "peerDependencies": null, "optionalDependencies": []});
    assert_eq!(agreement(empty.clone(), json!({})), Ok(()));
    assert_eq!(agreement(json!({}), empty), Ok(()));
}

#[test]
fn a_gyp_file_or_a_server_may_add_a_script_and_nothing_else_may() {
    assert_eq!(
        agreement(json!({"scripts": {"install": "node-gyp rebuild", "start": "node server.js"}}), json!({})),
        Ok(())
    );
    assert_eq!(field(json!({"scripts": {"install": "node-gyp rebuild "}}), json!({})), "scripts[\"install\"]");
    assert_eq!(field(json!({"scripts": {"start": "node other.js"}}), json!({})), "scripts[\"start\"]");
    let own = json!({"scripts": {"preinstall": "x"}});
    assert_eq!(
        field(json!({"scripts": {"preinstall": "x", "install": "node-gyp rebuild"}}), own),
        "scripts[\"install\"]"
    );
}

#[test]
fn commands_may_come_from_a_directory() {
    let packed = json!({"directories": {"bin": "./bin"}});
    assert_eq!(agreement(json!({"bin": {"a.js": "bin/a.js", "b": "bin/c/b"}}), packed.clone()), Ok(()));
    assert_eq!(agreement(packed.clone(), packed.clone()), Ok(()));
    assert_eq!(field(json!({"bin": {"x": "lib/x"}}), packed.clone()), "bin[\"x\"]");
    assert_eq!(field(json!({"bin": {"x": "bin/y"}}), packed.clone()), "bin[\"x\"]");
    assert_eq!(field(json!({"bin": {"x": "binary/x"}}), packed), "bin[\"x\"]");
}

#[test]
fn odd_commands_may_be_renamed_or_dropped() {
    let packed = json!({"bin": {"gyp": "bin/a.js", "../x": "./bin/a.js", "y": "./bin/../bin/a.js"}});
    assert_eq!(
        agreement(json!({"bin": {"gyp": "bin/a.js", "x": "bin/a.js", "y": "bin/a.js"}}), packed.clone()),
        Ok(())
    );
    assert_eq!(agreement(json!({"bin": {"gyp": "bin/a.js", "y": "bin/a.js"}}), packed.clone()), Ok(()));
    assert_eq!(field(json!({"bin": {"y": "bin/a.js"}}), packed), "bin[\"gyp\"]");
}

#[test]
fn old_lists_and_hosts_of_repositories_have_one_form() {
    assert_eq!(
        agreement(
            json!({"dependencies": {"a": "", "b": "1", "c": ">=2"}}),
            json!({"dependencies": ["a", "b@1", "c >=2"]})
        ),
        Ok(())
    );
    assert_eq!(agreement(json!({"dependencies": {"a": "", "b": "1"}}), json!({"dependencies": "a, b@1"})), Ok(()));
    for (document, packed) in [
        ("github:user/repo", "user/repo"),
        ("git+https://github.com/u/r.git", "https://github.com/u/r"),
        ("git+ssh://git@github.com/u/r.git#abc", "git@github.com:u/r.git#abc"),
        ("git+ssh://git@gitlab.com/u/r.git", "gitlab:u/r"),
        ("git://github.com/u/r.git#1", "github:u/r#1"),
    ] {
        assert_eq!(
            agreement(json!({"dependencies": {"a": document}}), json!({"dependencies": {"a": packed}})),
            Ok(()),
            "{packed}"
        );
    }
    for (document, packed) in [
        ("github:user/repo", "gitlab:user/repo"),
        ("github:user/repo", "github:user/repo#evil"),
        ("https://evil.example/u/r", "u/r"),
        ("https://github.com/u/r/archive/x.tgz", "u/r"),
        ("1.0.0", "npm:other@1.0.0"),
        ("^1.0.0", " ^1.0.0"),
    ] {
        assert_eq!(
            field(json!({"dependencies": {"a": document}}), json!({"dependencies": {"a": packed}})),
            "dependencies[\"a\"]",
            "{packed}"
        );
    }
}

#[test]
fn a_document_that_hides_what_the_tarball_does_is_refused() {
    let packed = json!({
        "dependencies": {"good": "1"}, "optionalDependencies": {"o": "1"}, "peerDependencies": {"p": "1"},
        "bin": {"x": "x.js"}, "scripts": {"postinstall": "node evil.js"}
    });
    let change = |field: &str, value: Value| {
        let mut document = packed.clone();
        document[field] = value;
        document
    };
    assert_eq!(agreement(packed.clone(), packed.clone()), Ok(()));
    for (changed, value, expected) in [
        ("dependencies", json!({}), "dependencies[\"good\"]"),
        ("dependencies", json!({"good": "2"}), "dependencies[\"good\"]"),
        ("dependencies", json!({"good": "1", "more": "*"}), "dependencies[\"more\"]"),
        ("optionalDependencies", json!(null), "optionalDependencies[\"o\"]"),
        ("peerDependencies", json!({"p": "2"}), "peerDependencies[\"p\"]"),
        ("bin", json!({"x": "y.js"}), "bin[\"x\"]"),
        ("bin", json!(null), "bin[\"x\"]"),
        ("scripts", json!({}), "scripts[\"postinstall\"]"),
        ("name", json!("@scope/other"), "name"),
        ("version", json!("1.2.4"), "version"),
        ("version", json!(1), "version"),
    ] {
        assert_eq!(field(change(changed, value), packed.clone()), expected);
    }
    assert_eq!(field(json!({}), json!({"name": "@scope/other"})), "name");
    assert_eq!(field(json!({}), json!({"version": "1.2.4"})), "version");
    assert_eq!(field(json!({}), json!({"name": null})), "name");
}

#[test]
fn an_error_names_the_field_and_both_values_shortened() {
    let long = "x".repeat(5000);
    let error = agreement(json!({"scripts": {"a": "1"}}), json!({"scripts": {"a": long}})).unwrap_err().to_string();
    assert!(error.contains("scripts[\"a\"]: the document says \"1\", the tarball says \"xxx"), "{error}");
    assert!(error.len() < 400);
}

#[test]
fn what_is_bundled_may_be_asked_for() {
    let packed = json!({"bundledDependencies": ["z"]});
    assert_eq!(agreement(json!({"dependencies": {"z": "*"}, "bundleDependencies": ["z"]}), packed.clone()), Ok(()));
    assert_eq!(field(json!({"dependencies": {"z": "1"}}), packed), "dependencies[\"z\"]");
}

#[test]
fn a_key_that_javascript_would_follow_is_refused_wherever_it_is() {
    for document in [r#"{"__proto__":{}}"#, r#"{"a":[{"__proto__":1}]}"#, r#"{"dependencies":{"__proto__":"1"}}"#] {
        assert_eq!(agreement(serde_json::from_str(document).unwrap(), json!({})), Err(Error::PoisonKey));
    }
}

#[test]
fn a_manifest_is_one_json_object_and_no_bomb() {
    assert_eq!(parse(b"\xef\xbb\xbf{\"a\":1}").unwrap(), object(json!({"a": 1})));
    assert_eq!(parse(b"[]"), Err(Error::NotAnObject));
    let nodes = format!("{{\"a\":[{}0]}}", "0,".repeat(PUBLISH_NODES_MAX));
    for bad in
        [b"".as_slice(), b"{", b"{}x", b"\xff", "[".repeat(100_000).as_bytes(), nodes.as_bytes(), b"{\"a\":1e999}"]
    {
        assert_eq!(parse(bad), Err(Error::NotJson));
    }
}

#[test]
fn what_is_kept_is_the_document_without_what_others_say() {
    let document = json!({
        "name": "@scope/odd", "version": "v1.2.3", "description": "d", "bin": {"@scope/odd": "./bin/a.js"}, "dist": {"tarball": "http://evil/"},
        "deprecated": "x", "readme": "# r", "_resolved": "/tmp/x", "_npmUser": {"name": "someone else"}, "maintainers": [{"name": "someone"}],
        "dependencies": ["a", "b@1"], "bundledDependencies": ["a"], "_nodeVersion": "20.0.0", "libc": ["musl"], "os": ["linux"],
        "engines": {"node": ">=18"}, "scripts": {"start": "node server.js"}, "hasInstallScript": true, "homepage": null
    });
    let tarball = json!({"dependencies": ["a", "b@1"], "bundledDependencies": ["a"]});
    let (whole, short) = stored(document, tarball, &contents());
    assert_eq!(
        whole,
        json!({
            "name": "@scope/odd", "version": "1.2.3", "description": "d", "bin": {"odd": "bin/a.js"}, "dependencies": {"a": "", "b": "1"},
            "bundleDependencies": ["a"], "_nodeVersion": "20.0.0", "libc": ["musl"], "os": ["linux"], "engines": {"node": ">=18"},
            "_id": "@scope/odd@1.2.3", "_npmUser": {"name": "me", "email": "me@example.org"}, "_hasShrinkwrap": false
        })
    );
    assert_eq!(
        short,
        json!({
            "name": "@scope/odd", "version": "1.2.3", "bin": {"odd": "bin/a.js"}, "dependencies": {"a": "", "b": "1"},
            "bundleDependencies": ["a"], "libc": ["musl"], "os": ["linux"], "engines": {"node": ">=18"},
            "_npmUser": {"name": "me", "email": "me@example.org"}
        })
    );
}

#[test]
fn installers_learn_of_install_scripts_and_shrinkwraps() {
    let gyp = Contents { has_gyp: true, has_shrinkwrap: true, ..contents() };
    let (whole, short) = stored(json!({}), json!({}), &gyp);
    assert_eq!(whole["scripts"], json!({"install": "node-gyp rebuild"}));
    assert_eq!((&short["hasInstallScript"], &short["_hasShrinkwrap"]), (&json!(true), &json!(true)));
    assert_eq!(short.get("scripts"), None);
    let (whole, short) = stored(json!({"scripts": {"install": "node-gyp rebuild"}}), json!({"gypfile": false}), &gyp);
    assert_eq!((whole.get("scripts"), short.get("hasInstallScript")), (None, None));
    let (_, short) = stored(json!({}), json!({"scripts": {"postinstall": "x"}}), &contents());
    assert_eq!(short["hasInstallScript"], json!(true));
}

#[test]
fn nesting_cannot_be_hidden_in_a_string() {
    let hidden = serde_json::to_string(&format!("{}1{}", "[".repeat(100), "]".repeat(100))).unwrap();
    let package = format!("{{\"name\":\"n\",\"x\":{{\"$serde_json::private::RawValue\":{hidden}}}}}");
    assert_eq!(parse(package.as_bytes()), Err(Error::NotJson));
}
