//! `[[npm.packages]]`: who may do what with which packages.
//!
//! The first rule whose pattern fits decides, so a rule that an earlier one hides is a mistake, as
//! is a pattern that no package name can fit: both would protect nothing while looking as if they did.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::file::{Source, kind};
use super::keys::quote;
use super::load::Draft;
use super::problem::excerpt;
use super::suggest::nearest;
use crate::app::identity::is_user_name;
use crate::limits::PACKAGE_NAME_BYTES_MAX;
use crate::service::npm::settings::{Party, Rule};

const KEYS: [&str; 4] = ["pattern", "access", "publish", "unpublish"];
const PARTIES: [&str; 3] = ["$all", "$anonymous", "$authenticated"];
/// Most rules: each request of a package walks them.
const RULES_MAX: usize = 1000;
/// Most parties of one list.
const PARTIES_MAX: usize = 1000;
/// Most wildcards of one pattern: more is a slip of the keyboard.
const WILDCARDS_MAX: usize = 8;

const USER_NAMES: &str = "user names are 1 to 64 of a-z, 0-9, '.', '_' and '-', not beginning with '.' or '-'.";
const PATTERN_ALLOWED: &str = "allowed: a package name in which * stands for any characters but a slash and ** for any: \
     \"@team/*\", \"lodash\", \"**\"";
const LIST_ALLOWED: &str = "allowed: a list of \"$all\", \"$anonymous\", \"$authenticated\" and user names: [\"$authenticated\"], \
     [\"alice\", \"bob\"]; [] = nobody";
const WRITE_ALLOWED: &str =
    "publishing takes a user, who becomes the maintainer: write \"$authenticated\" for every user, or names";

/// Takes all rules; they replace the default.
pub(crate) fn read(draft: &mut Draft, source: &Source<'_>, value: &Spanned<DeValue<'_>>) {
    let DeValue::Array(items) = value.get_ref() else {
        let what = format!("npm.packages is {}, not a list of tables", kind(value.get_ref()));
        return draft.report(
            source.origin(value.span().start),
            what,
            "write [[npm.packages]], with two brackets, before each rule",
        );
    };
    if items.len() > RULES_MAX {
        let what = format!("there are {} rules", items.len());
        return draft.report(source.origin(value.span().start), what, format!("allowed: up to {RULES_MAX}"));
    }
    draft.settings.npm.rules.clear();
    for item in items {
        match item.get_ref() {
            DeValue::Table(table) => read_rule(draft, source, table, item.span()),
            other => {
                let what = format!("a rule of npm.packages is {}", kind(other));
                draft.report(
                    source.origin(item.span().start),
                    what,
                    "write [[npm.packages]] and then pattern, access, publish below",
                );
            }
        }
    }
}

fn read_rule(draft: &mut Draft, source: &Source<'_>, table: &DeTable<'_>, span: Range<usize>) {
    for name in table.keys().filter(|name| !KEYS.contains(&name.get_ref().as_ref())) {
        if draft.is_hopeless() {
            break;
        }
        let near = nearest(name.get_ref(), KEYS).map_or(String::new(), |near| format!("did you mean {near}? "));
        let what = format!("there is no key {} in [[npm.packages]]", excerpt(name.get_ref()));
        draft.report(source.origin(name.span().start), what, format!("{near}the keys are {}", KEYS.join(", ")));
    }
    let pattern = read_pattern(draft, source, table, span);
    let access = read_parties(draft, source, table, "access");
    let publish = read_parties(draft, source, table, "publish");
    let unpublish = read_parties(draft, source, table, "unpublish");
    let publish = publish.unwrap_or_else(|| vec![Party::Authenticated]);
    draft.settings.npm.rules.push(Rule {
        pattern,
        access: access.unwrap_or_else(|| vec![Party::All]),
        unpublish: unpublish.unwrap_or_else(|| publish.clone()),
        publish,
    });
}

/// The pattern; empty, which fits nothing, if a mistake was reported.
fn read_pattern(draft: &mut Draft, source: &Source<'_>, table: &DeTable<'_>, span: Range<usize>) -> String {
    let Some(value) = table.get("pattern") else {
        draft.report(source.origin(span.start), "a rule of [[npm.packages]] has no pattern", PATTERN_ALLOWED);
        return String::new();
    };
    let checked = match value.get_ref() {
        DeValue::String(text) => check_pattern(text, &draft.settings.npm.rules).map(|()| text.to_string()),
        other => Err(format!("is of the wrong type, {}", kind(other))),
    };
    checked.unwrap_or_else(|why| {
        let what = format!("[[npm.packages]] pattern = {} {why}", excerpt(source.text(value.span())));
        draft.report(source.origin(value.span().start), what, PATTERN_ALLOWED);
        String::new()
    })
}

fn check_pattern(pattern: &str, earlier: &[Rule]) -> Result<(), String> {
    if pattern.is_empty() || pattern.len() > PACKAGE_NAME_BYTES_MAX {
        return Err(format!("is not 1 to {PACKAGE_NAME_BYTES_MAX} bytes long"));
    }
    if let Some(bad) = pattern
        .chars()
        .find(|character| character.is_whitespace() || character.is_control() || "\\%?#".contains(*character))
    {
        return Err(format!("has {bad:?}, which no package name has"));
    }
    if pattern.matches('*').count() > WILDCARDS_MAX {
        return Err(format!("has more than {WILDCARDS_MAX} wildcards"));
    }
    check_scope(pattern)?;
    match earlier.iter().find(|rule| rule.pattern == pattern || rule.pattern == "**") {
        Some(rule) => Err(format!("is never asked: the rule for {} stands above it", quote(&rule.pattern))),
        None => Ok(()),
    }
}

/// A name has a slash exactly if it has a scope.
fn check_scope(pattern: &str) -> Result<(), String> {
    let slashes = pattern.matches('/').count();
    if pattern.contains("**") {
        return Ok(());
    }
    match (pattern.starts_with('@'), slashes) {
        (true, 1) | (false, 0) => Ok(()),
        (true, 0) => {
            Err(format!("fits no package: write {} for the packages of a scope", quote(&format!("{pattern}/*"))))
        }
        (false, 1) if pattern.starts_with('*') => Ok(()),
        _ => Err("fits no package: a slash stands between a @scope and a name".into()),
    }
}

/// The list of this name; none if it is not there, or was reported.
fn read_parties(draft: &mut Draft, source: &Source<'_>, table: &DeTable<'_>, name: &'static str) -> Option<Vec<Party>> {
    let value = table.get(name)?;
    let DeValue::Array(items) = value.get_ref() else {
        let written = excerpt(source.text(value.span()));
        let what = format!("[[npm.packages]] {name} = {written} is {}, not a list", kind(value.get_ref()));
        draft.report(source.origin(value.span().start), what, LIST_ALLOWED);
        return None;
    };
    if items.len() > PARTIES_MAX {
        let what = format!("[[npm.packages]] {name} names {} parties", items.len());
        draft.report(source.origin(value.span().start), what, format!("allowed: up to {PARTIES_MAX}"));
        return None;
    }
    Some(read_list(draft, source, items, name))
}

fn read_list(draft: &mut Draft, source: &Source<'_>, items: &DeArray<'_>, name: &'static str) -> Vec<Party> {
    let mut parties = Vec::new();
    for item in items {
        match party(item.get_ref(), name) {
            Ok(party) => parties.push(party),
            Err((why, remedy)) => {
                let what = format!("[[npm.packages]] {name}: {} {why}", excerpt(source.text(item.span())));
                draft.report(source.origin(item.span().start), what, remedy);
            }
        }
    }
    parties
}

fn party(value: &DeValue<'_>, list: &str) -> Result<Party, (String, String)> {
    let DeValue::String(text) = value else {
        return Err((format!("is {}", kind(value)), LIST_ALLOWED.into()));
    };
    match text.as_ref() {
        "$all" | "$anonymous" if list != "access" => {
            Err(("admits people who are not logged in".into(), WRITE_ALLOWED.into()))
        }
        "$all" => Ok(Party::All),
        "$anonymous" => Ok(Party::Anonymous),
        "$authenticated" => Ok(Party::Authenticated),
        group if group.starts_with('$') => {
            let near = nearest(group, PARTIES).map_or(String::new(), |near| format!("did you mean \"{near}\"? "));
            Err(("is no group".into(), format!("{near}{LIST_ALLOWED}")))
        }
        // The store takes no other names, so a rule for one would admit nobody.
        name if is_user_name(name) => Ok(Party::User(name.to_string())),
        _ => Err(("is no user name".into(), format!("{USER_NAMES} {LIST_ALLOWED}"))),
    }
}

/// `anonymous_reads = false`: whoever is not logged in reads nothing, whatever the rules say.
pub(crate) fn close_reads(rules: &mut [Rule]) {
    for party in rules.iter_mut().flat_map(|rule| &mut rule.access) {
        if matches!(party, Party::All | Party::Anonymous) {
            *party = Party::Authenticated;
        }
    }
}

/// The rules as they would be written.
pub(crate) fn show(rules: &[Rule]) -> String {
    rules.iter().map(show_rule).collect()
}

fn show_rule(rule: &Rule) -> String {
    let Rule { pattern, access, publish, unpublish } = rule;
    format!(
        "\n[[npm.packages]]\npattern = {}\naccess = {}\npublish = {}\nunpublish = {}\n",
        quote(pattern),
        show_parties(access),
        show_parties(publish),
        show_parties(unpublish)
    )
}

fn show_parties(parties: &[Party]) -> String {
    let names: Vec<String> = parties.iter().map(show_party).collect();
    format!("[{}]", names.join(", "))
}

fn show_party(party: &Party) -> String {
    match party {
        Party::All => quote("$all"),
        Party::Anonymous => quote("$anonymous"),
        Party::Authenticated => quote("$authenticated"),
        Party::User(name) => quote(name),
    }
}
