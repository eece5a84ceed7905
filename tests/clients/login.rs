//! Signing up, in and out, as a person at a terminal does it.

use crate::case::Case;
use crate::dialogue::{hold, hold_ok};
use crate::packages;
use crate::publish::publish_args;

const PASSWORD: &str = "correct-horse-battery";

/// npm, and pnpm, which hands these commands to npm.
pub(crate) fn npm(case: &Case) {
    let case = &case.signed_out();
    let folder = case.sandbox.folder("login");
    let name = user_name(case);
    let person = [("Username", &*name), ("Password", PASSWORD), ("Email", "someone@example.com")];
    hold_ok(case, &folder, &["adduser", "--auth-type=legacy"], &person);
    case.says(&folder, &["whoami"], &name);

    let token = npm_token(case);
    case.ok(&folder, &["logout"]);
    case.refused(&folder, &["whoami"]);
    expect_revoked(case, &token);

    let person = [("Username", &*name), ("Password", PASSWORD)];
    hold_ok(case, &folder, &["login", "--auth-type=legacy"], &person);
    case.says(&folder, &["whoami"], &name);
    case.ok(&folder, &["logout"]);

    let stranger = [("Username", &*name), ("Password", "not-the-password")];
    let finished = hold(case, &folder, &["login", "--auth-type=legacy"], &stranger);
    assert!(!finished.is_success(), "a wrong password signs in: {}", finished.report());
    case.refused(&folder, &["whoami"]);
}

/// yarn 1 remembers a name and asks for the password when it publishes.
pub(crate) fn yarn1(case: &Case) {
    let case = &case.signed_out();
    let folder = case.sandbox.folder("login");
    let name = user_name(case);
    case.registry.sign_up(&name, PASSWORD);
    let person = [("npm username:", &*name), ("npm email:", "someone@example.com")];
    let login = hold_ok(case, &folder, &["login"], &person);
    assert!(case.sandbox.home_file(".yarnrc").contains(&name), "login forgot the name: {}", login.report());

    let package = format!("by-{name}");
    let folder = packages::write(&case.sandbox, &package, "1.0.0", None);
    let args = publish_args(case.client.family(), "1.0.0");
    hold_ok(case, &folder, &args, &[("npm password:", PASSWORD)]);
    case.says(&folder, &["info", &package, "version", "--json"], "1.0.0");

    case.ok(&folder, &["logout"]);
    assert!(!case.sandbox.home_file(".yarnrc").contains(&name), "logout left the name behind");
}

/// yarn 4 signs in over the same endpoint as npm, with questions of its own.
pub(crate) fn yarn4(case: &Case) {
    let case = &case.signed_out();
    let folder = case.sandbox.folder("login");
    packages::write_project(&folder, &[]);
    std::fs::write(folder.join("yarn.lock"), "").expect("the temp dir is writable");
    let name = user_name(case);
    case.registry.sign_up(&name, PASSWORD);
    let person = [("Username", &*name), ("Password", PASSWORD)];
    hold_ok(case, &folder, &["npm", "login"], &person);
    case.says(&folder, &["npm", "whoami"], &name);
    case.ok(&folder, &["npm", "logout"]);
    case.refused(&folder, &["npm", "whoami"]);
}

fn user_name(case: &Case) -> String {
    format!("user-{}", case.names.leaf)
}

fn npm_token(case: &Case) -> String {
    let npmrc = case.sandbox.home_file(".npmrc");
    let token = npmrc.lines().find_map(|line| line.split_once(":_authToken=").map(|(_, token)| token));
    token.unwrap_or_else(|| panic!("no token in .npmrc:\n{npmrc}")).trim_matches('"').to_owned()
}

/// A token that was logged out opens nothing.
fn expect_revoked(case: &Case, token: &str) {
    let url = format!("{}/-/whoami", case.registry.url());
    let answer = crate::support::http("GET", &url, &[("authorization", &format!("Bearer {token}"))], b"");
    assert_eq!(answer.status, 401, "a token works after logout: {answer:?}");
}
