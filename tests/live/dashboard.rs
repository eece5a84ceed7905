//! The page `/_dashboard` in Chromium: it shows the config, follows it, and changes it for who may.

use serde_json::{Value, json};

use super::Site;
use crate::support::{Browser, Page};

/// All bytes as the page shows them.
const SHOWN: &str = "[...document.querySelectorAll('#bytes input')].map((input) => input.value).join('')";
const STATUS: &str = "document.body?.dataset.status";
const ERROR: &str = "document.getElementById('error').textContent";
const TOLD: &str = "document.getElementById('status').textContent";
const SEQUENCE: &str = "document.getElementById('sequence').textContent";

/// What becomes of a WebSocket that the page opens.
fn opening(site: &Site) -> String {
    format!(
        "new Promise((done) => {{
            const socket = new WebSocket('ws://{}/_dashboard/ws', 'lattice.config.v1');
            socket.onopen = () => done('open');
            socket.onerror = () => done('refused');
        }})",
        site.node.address()
    )
}

fn connected(site: &Site, page: &mut Page) {
    page.wait_for(STATUS, &"open".into());
    shows(site, page);
}

/// Waits until the page shows what is in the file.
fn shows(site: &Site, page: &mut Page) {
    page.wait_for(SEQUENCE, &site.config(&["get", "sequence"]).trim().into());
    assert_eq!(page.evaluate(SHOWN), site.config(&["get", "--hex"]).trim());
}

fn log_in(page: &mut Page, token: &str) {
    page.evaluate("document.getElementById('token').focus()");
    page.type_in(token);
    page.press_enter();
    page.wait_for(TOLD, &"connected with a token".into());
}

/// Types two digits over those of a byte.
fn edit(page: &mut Page, offset: u8, digits: &str) {
    page.evaluate(&format!("document.getElementById('byte{offset}').select()"));
    page.type_in(digits);
    page.press_enter();
}

fn click(page: &mut Page, id: &str) {
    page.evaluate(&format!("document.getElementById('{id}').click()"));
}

fn contains(page: &mut Page, expression: &str, part: &str) {
    page.wait_for(&format!("{expression}.includes({})", json!(part)), &Value::Bool(true));
}

#[test]
fn the_page_shows_the_config_and_changes_it_for_an_administrator() {
    let site = Site::start();
    let browser = Browser::open(&site.node.url("/_dashboard"));
    let mut page = browser.page();
    connected(&site, &mut page);

    // Changes of others.
    site.config(&["set", "cols", "80"]);
    shows(&site, &mut page);
    site.config(&["flag", "DEBUG", "on"]);
    page.wait_for("document.getElementById('flag2').checked", &true.into());

    // Nobody in particular may read, and no more.
    click(&mut page, "flag2");
    contains(&mut page, ERROR, "error 16");
    assert_eq!(page.evaluate("document.getElementById('flag2').checked"), true, "it is as it was");

    log_in(&mut page, &site.root);
    click(&mut page, "flag2");
    page.wait_for("document.getElementById('flag2').checked", &false.into());
    assert_eq!(site.config(&["get", "DEBUG"]), "off\n");
    shows(&site, &mut page);

    edit(&mut page, 10, "1e");
    page.wait_for("document.getElementById('terminal').textContent", &"mode 0, 30 rows, 80 columns".into());
    assert_eq!(site.config(&["get", "rows"]), "30\n");
    shows(&site, &mut page);
    edit(&mut page, 9, "03");
    contains(&mut page, ERROR, "terminal_mode may not be 3: allowed is 0, 1 or 2 (error 6)");
    edit(&mut page, 10, "zz");
    contains(&mut page, ERROR, "two hexadecimal digits");
    assert_eq!(site.config(&["get", "sequence"]), "5\n", "each change was made once");

    let labelled = "[...document.querySelectorAll('input')].every((input) => input.labels.length === 1)";
    assert_eq!(page.evaluate(labelled), true);
}

#[test]
fn the_page_says_why_it_is_shut_out_and_comes_back() {
    let site = Site::start();
    let browser = Browser::open(&site.node.url("/_dashboard/"));
    let mut page = browser.page();
    connected(&site, &mut page);
    assert_eq!(page.evaluate("location.pathname"), "/_dashboard");
    site.config(&["flag", "PRIVATE_REGISTRY", "on"]);
    contains(&mut page, TOLD, "log in to do this");
    log_in(&mut page, &site.user);
    connected(&site, &mut page);
    site.config(&["flag", "BINARY_PROTOCOL", "off"]);
    contains(&mut page, TOLD, "BINARY_PROTOCOL is off");
    site.config(&["set", "rows", "77"]);
    site.config(&["flag", "BINARY_PROTOCOL", "on"]);
    connected(&site, &mut page);
    click(&mut page, "logout");
    contains(&mut page, TOLD, "log in to do this");
}

#[test]
fn a_page_of_another_origin_opens_nothing() {
    let site = Site::start();
    let browser = Browser::open(&site.node.url("/-/ping"));
    let mut page = browser.page();
    page.go(&site.node.url("/healthz"));
    assert_eq!(page.evaluate(&opening(&site)), "open", "a page of this node");
    page.go(&site.node.url("/healthz").replace("127.0.0.1", "localhost"));
    assert_eq!(page.evaluate(&opening(&site)), "refused", "a page of another origin");
}
