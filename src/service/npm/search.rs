//! `/-/v1/search`: words and qualifiers in, what the asker may see out.
//!
//! What somebody may not read is taken away before anything is counted, so that neither `total` nor
//! paging tells that it is there.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::app::router::decode;
use crate::app::store::{SearchHit, SearchPage, SearchQuery};
use crate::app::{Identity, Request};
use crate::service::npm::access::{Action, Decision};
use crate::service::npm::answer::{Answer, json_string};
use crate::service::npm::packument::{push_iso, push_list, push_user};
use crate::service::npm::shared::Shared;

/// Results without a `size`.
const SIZE: usize = 20;
/// Most results of one answer.
const SIZE_MAX: usize = 250;
/// Longest text searched for.
const TEXT_BYTES_MAX: usize = 1024;
/// Most words and qualifiers.
const WORDS_MAX: usize = 32;

/// A search, read from a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Search {
    query: SearchQuery,
    now_ms: u64,
}

impl Search {
    /// Reads the query; an answer when it cannot be searched for.
    pub(crate) fn parse(request: &Request<'_>) -> Result<Self, Answer> {
        let raw = request.query("text").unwrap_or_default();
        let spaced: Vec<u8> = raw.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
        let text = decode(&spaced).ok_or_else(|| Answer::error(400, "text is not percent-encoded UTF-8", None))?;
        if text.trim().is_empty() {
            return Err(Answer::json(400, r#"{"error":"text is missing","code":"ERR_TEXT_MISSING"}"#));
        }
        if text.len() > TEXT_BYTES_MAX {
            return Err(Answer::error(400, "text is longer than 1024 bytes", None));
        }
        let number = |name: &str| request.query(name).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        Ok(Self {
            query: SearchQuery {
                size: number("size").unwrap_or(SIZE).min(SIZE_MAX),
                from: number("from").unwrap_or(0),
                ..parse_text(&text)
            },
            now_ms: request.now.unix_ms,
        })
    }

    /// Searches. Blocks.
    pub(crate) fn run(&self, shared: &Shared, identity: &Identity) -> Answer {
        let may_see = |name: &str| shared.access.decide_name(name, identity, Action::Read) == Decision::Allow;
        let SearchPage { total, hits } = match shared.packages.search(&self.query, &may_see) {
            Ok(page) => page,
            Err(error) => return Answer::store_failed(&error),
        };
        let mut json = String::from("{\"objects\":[");
        push_list(&mut json, &hits, push_hit);
        let written = write!(json, "],\"total\":{total},\"time\":\"");
        debug_assert!(written.is_ok(), "a String takes everything");
        push_iso(&mut json, self.now_ms);
        json.push_str("\"}");
        Answer::json(200, json).with("Cache-Control", "private, no-cache")
    }
}

/// Words, and the qualifiers among them. Qualifiers nobody here keeps a record for are dropped.
fn parse_text(text: &str) -> SearchQuery {
    let mut query = SearchQuery::default();
    for word in text.split_whitespace().take(WORDS_MAX) {
        match word.split_once(':') {
            Some(("keywords", list)) => {
                let left = WORDS_MAX - query.keywords.len().min(WORDS_MAX);
                let keywords = list.split([',', '+']).filter(|keyword| !keyword.is_empty());
                query.keywords.extend(keywords.take(left).map(str::to_lowercase));
            }
            Some(("scope", scope)) => query.scope = Some(scope.trim_start_matches('@').to_owned()),
            Some(("author" | "maintainer", user)) => {
                query.maintainer = Some(user.trim_start_matches('=').to_owned());
            }
            Some(("is" | "not" | "boost-exact" | "insecure" | "unstable", _)) => {}
            _ => query.words.push(word.to_lowercase()),
        }
    }
    query
}

/// What a result shows of the manifest.
#[derive(Default, Deserialize)]
struct Shown<'a> {
    #[serde(borrow)]
    license: Option<&'a RawValue>,
    #[serde(borrow)]
    homepage: Option<&'a RawValue>,
    #[serde(borrow)]
    repository: Option<&'a RawValue>,
    #[serde(borrow)]
    bugs: Option<&'a RawValue>,
}

/// A URL, which manifests give as it is or inside an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum Link {
    Plain(String),
    Object { url: String },
}

fn link(value: Option<&RawValue>) -> Option<String> {
    match serde_json::from_str(value?.get()).ok()? {
        Link::Plain(url) | Link::Object { url } => Some(url),
    }
}

fn push_hit(json: &mut String, hit: &SearchHit) {
    // A manifest was checked before it was kept; one that does not parse has no links.
    let shown: Shown<'_> = serde_json::from_str(&hit.manifest).unwrap_or_default();
    json.push_str("{\"package\":{\"name\":");
    json.push_str(&json_string(&hit.name));
    json.push_str(",\"version\":");
    json.push_str(&json_string(&hit.version));
    json.push_str(",\"description\":");
    json.push_str(&json_string(&hit.description));
    json.push_str(",\"keywords\":[");
    push_list(json, &hit.keywords, |json, keyword| json.push_str(&json_string(keyword)));
    json.push_str("],\"date\":\"");
    push_iso(json, hit.created_ms);
    json.push_str("\",\"links\":{");
    let links = [("homepage", shown.homepage), ("repository", shown.repository), ("bugs", shown.bugs)];
    let links = links.into_iter().filter_map(|(name, value)| link(value).map(|url| (name, url)));
    push_list(json, links, |json, (name, url)| {
        json.push_str(&json_string(name));
        json.push(':');
        json.push_str(&json_string(&url));
    });
    json.push_str("},\"publisher\":");
    push_user(json, "username", &hit.publisher.name, &hit.publisher.email);
    json.push_str(",\"maintainers\":[");
    push_list(json, &hit.maintainers, |json, one| push_user(json, "username", &one.name, &one.email));
    json.push(']');
    if let Some(license) = shown.license {
        json.push_str(",\"license\":");
        json.push_str(license.get());
    }
    push_score(json, hit.score);
}

/// Quality, popularity and maintenance are not measured here; the text's score is all there is.
fn push_score(json: &mut String, score: f64) {
    let score = if score.is_finite() { score } else { 0.0 };
    let detail = "\"detail\":{\"quality\":0,\"popularity\":0,\"maintenance\":0}";
    let written = write!(
        json,
        "}},\"score\":{{\"final\":{score},{detail}}},\"searchScore\":{score},\"flags\":{{\"insecure\":0}}}}"
    );
    debug_assert!(written.is_ok(), "a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualifiers_are_told_from_words() {
        assert_eq!(
            parse_text("React  keywords:UI,form scope:@team maintainer:ann is:unstable a:b"),
            SearchQuery {
                words: vec!["react".into(), "a:b".into()],
                keywords: vec!["ui".into(), "form".into()],
                scope: Some("team".into()),
                maintainer: Some("ann".into()),
                ..SearchQuery::default()
            }
        );
        assert_eq!(parse_text(&"w ".repeat(WORDS_MAX)).words.len(), WORDS_MAX);
        assert_eq!(parse_text(&"w ".repeat(WORDS_MAX + 1)).words.len(), WORDS_MAX);
    }

    #[test]
    fn a_link_is_found_as_it_is_and_inside_an_object() {
        let raw = |json: &str| link(serde_json::from_str::<Box<RawValue>>(json).ok().as_deref());
        assert_eq!(raw(r#""u""#).as_deref(), Some("u"));
        assert_eq!(raw(r#"{"type":"git","url":"u"}"#).as_deref(), Some("u"));
        assert_eq!(raw("7"), None);
    }
}
