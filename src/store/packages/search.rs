//! Full-text search over what `latest` names.
//!
//! Words come from clients: each is quoted as a string of the query language, so nothing in it is
//! syntax, and each matches as the beginning of a word (or of a run of words: `foo-bar` is two).
//! An exact name comes first, then names that begin so, then the rest by BM25.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};

use crate::app::store::{Maintainer, SearchHit, SearchPage, SearchQuery};
use crate::store::number::unsigned;
use crate::store::packages::load;

/// Words of one query that are looked at.
const WORDS_MAX: usize = 32;
/// What one step of the ranking is worth: more than BM25 ever gives.
const TIER: f64 = 1000.0;

/// A package that matches the words, not looked at closely yet.
struct Candidate {
    id: i64,
    name: Arc<str>,
    score: f64,
}

pub(super) fn search(
    db: &Connection,
    query: &SearchQuery,
    may_see: &dyn Fn(&str) -> bool,
) -> rusqlite::Result<SearchPage> {
    let mut candidates = Vec::new();
    for candidate in if query.words.is_empty() { all(db)? } else { matching(db, &query.words)? } {
        let is_open = is_in_scope(&candidate.name, query.scope.as_deref()) && may_see(&candidate.name);
        if is_open && has_keywords(db, &candidate, query)? && is_maintained(db, &candidate, query)? {
            candidates.push(candidate);
        }
    }
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.name.cmp(&b.name)));
    let total = candidates.len();
    let page = candidates.into_iter().skip(query.from).take(query.size);
    let hits = page.filter_map(|candidate| hit(db, candidate).transpose()).collect::<rusqlite::Result<_>>()?;
    Ok(SearchPage { total, hits })
}

fn all(db: &Connection) -> rusqlite::Result<Vec<Candidate>> {
    let mut statement =
        db.prepare_cached("SELECT p.id, p.name FROM packages p JOIN tags t ON t.package = p.id AND t.tag = 'latest'")?;
    let rows = statement.query_map([], |row| Ok(Candidate { id: row.get(0)?, name: row.get(1)?, score: 1.0 }))?;
    rows.collect()
}

fn matching(db: &Connection, words: &[String]) -> rusqlite::Result<Vec<Candidate>> {
    let Some(expression) = expression(words) else { return Ok(Vec::new()) };
    let mut statement = db.prepare_cached(
        // Weights of name, description and keywords. BM25 is negative here, and lower is better.
        "SELECT p.id, p.name, -bm25(search, 10.0, 1.0, 3.0)
         FROM search JOIN packages p ON p.id = search.rowid
         WHERE search MATCH ?1",
    )?;
    let asked = words.join(" ").to_lowercase();
    let rows = statement.query_map([expression], |row| {
        let name: Arc<str> = row.get(1)?;
        let score = tier(&name, &asked) * TIER + row.get::<_, f64>(2)?.clamp(f64::MIN_POSITIVE, TIER - 1.0);
        Ok(Candidate { id: row.get(0)?, name, score })
    })?;
    rows.collect()
}

/// Words as an expression of FTS5; none if there is nothing in them to look for.
fn expression(words: &[String]) -> Option<String> {
    let words = words.iter().filter(|word| word.chars().any(char::is_alphanumeric)).take(WORDS_MAX);
    let terms: Vec<String> = words.map(|word| quote(word)).collect();
    if terms.is_empty() { None } else { Some(terms.join(" AND ")) }
}

/// A NUL would end the expression early.
fn quote(word: &str) -> String {
    format!("\"{}\"*", word.replace('\0', " ").replace('"', "\"\""))
}

/// How well the name alone answers.
fn tier(name: &str, asked: &str) -> f64 {
    let name = name.to_lowercase();
    let base = name.rsplit('/').next().unwrap_or_default();
    if name == asked {
        3.0
    } else if base == asked {
        2.0
    } else if name.starts_with(asked) || base.starts_with(asked) {
        1.0
    } else {
        0.0
    }
}

fn is_in_scope(name: &str, scope: Option<&str>) -> bool {
    let Some(scope) = scope else { return true };
    name.strip_prefix('@').and_then(|name| name.split_once('/')).is_some_and(|(of, _)| of.eq_ignore_ascii_case(scope))
}

fn has_keywords(db: &Connection, candidate: &Candidate, query: &SearchQuery) -> rusqlite::Result<bool> {
    if query.keywords.is_empty() {
        return Ok(true);
    }
    let mut statement = db.prepare_cached(
        "SELECT v.keywords FROM tags t JOIN versions v ON v.package = t.package AND v.version = t.version
         WHERE t.package = ?1 AND t.tag = 'latest'",
    )?;
    let keywords: Option<String> = statement.query_row([candidate.id], |row| row.get(0)).optional()?;
    let keywords = parse_keywords(&keywords.unwrap_or_default());
    let has = |wanted: &String| keywords.iter().any(|keyword| keyword.eq_ignore_ascii_case(wanted));
    Ok(query.keywords.iter().take(WORDS_MAX).all(has))
}

fn is_maintained(db: &Connection, candidate: &Candidate, query: &SearchQuery) -> rusqlite::Result<bool> {
    let Some(user) = &query.maintainer else { return Ok(true) };
    db.prepare_cached("SELECT 1 FROM maintainers WHERE package = ?1 AND user = ?2")?.exists((candidate.id, user))
}

fn hit(db: &Connection, candidate: Candidate) -> rusqlite::Result<Option<SearchHit>> {
    let mut statement = db.prepare_cached(
        "SELECT v.version, v.description, v.keywords, v.created_ms, v.publisher, coalesce(u.email, ''), v.manifest
         FROM tags t
         JOIN versions v ON v.package = t.package AND v.version = t.version
         LEFT JOIN users u ON u.name = v.publisher AND u.removed_ms IS NULL
         WHERE t.package = ?1 AND t.tag = 'latest'",
    )?;
    let maintainers = load::maintainers(db, candidate.id)?;
    statement.query_row([candidate.id], |row| from_row(row, &candidate, maintainers)).optional()
}

fn from_row(row: &Row<'_>, candidate: &Candidate, maintainers: Vec<Maintainer>) -> rusqlite::Result<SearchHit> {
    Ok(SearchHit {
        name: Arc::clone(&candidate.name),
        version: row.get(0)?,
        description: row.get(1)?,
        keywords: parse_keywords(&row.get::<_, String>(2)?),
        created_ms: unsigned(row.get(3)?),
        publisher: Maintainer { name: row.get(4)?, email: row.get(5)? },
        maintainers,
        manifest: row.get(6)?,
        score: candidate.score,
    })
}

/// We wrote it: what is no array of strings was damaged, and finds nothing.
fn parse_keywords(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

/// Makes the index say what `latest` names now.
pub(super) fn refresh(db: &Connection, package: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM search WHERE rowid = ?1")?.execute([package])?;
    let mut statement = db.prepare_cached(
        "SELECT p.name, v.description, v.keywords
         FROM packages p
         JOIN tags t ON t.package = p.id AND t.tag = 'latest'
         JOIN versions v ON v.package = p.id AND v.version = t.version
         WHERE p.id = ?1",
    )?;
    let found = statement.query_row([package], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let Some((name, description, keywords)) = found else { return Ok(()) };
    let (name, description, keywords): (String, String, String) = (name, description, keywords);
    let mut insert =
        db.prepare_cached("INSERT INTO search (rowid, name, description, keywords) VALUES (?1, ?2, ?3, ?4)")?;
    insert.execute((package, name_words(&name), description, parse_keywords(&keywords).join(" "))).map(drop)
}

/// The tokenizer splits a name at its punctuation; the part after the scope is also found unsplit.
fn name_words(name: &str) -> String {
    let base = name.rsplit('/').next().unwrap_or_default();
    let joined: String = base.chars().filter(|character| character.is_alphanumeric()).collect();
    format!("{name} {joined}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing;

    #[test]
    fn nothing_in_a_word_is_syntax() {
        let ask = |words: &[&str]| expression(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!(ask(&["a\"b", "NEAR(x)"]).unwrap(), "\"a\"\"b\"* AND \"NEAR(x)\"*");
        assert_eq!(ask(&["a\0b"]).unwrap(), "\"a b\"*");
        assert_eq!(ask(&["@", "-", ""]), None);
        assert_eq!(ask(&["-", "x"]).unwrap(), "\"x\"*");
        let many = vec!["w".to_owned(); WORDS_MAX + 1];
        assert_eq!(expression(&many).unwrap().matches("AND").count(), WORDS_MAX - 1);
    }

    #[test]
    fn a_scope_is_the_whole_scope() {
        assert!(is_in_scope("@ab/c", Some("ab")));
        for (name, scope) in [("@ab/c", "a"), ("ab", "ab"), ("@ab", "ab"), ("@abc/d", "ab")] {
            assert!(!is_in_scope(name, Some(scope)), "{name} {scope}");
        }
        assert!(is_in_scope("anything", None));
    }

    #[test]
    fn names_are_ranked_by_how_exactly_they_were_asked_for() {
        let tiers = ["@s/foo", "foo", "@t/foo", "foot", "barfoo"].map(|name| tier(name, "foo"));
        assert_eq!(tiers, [2.0, 3.0, 2.0, 1.0, 0.0]);
    }

    #[test]
    fn a_page_is_of_the_best_and_all_that_may_be_seen_are_counted() {
        let (_dir, store) = testing::new();
        for name in ["foo-b", "foo", "foo-c", "foo-secret"] {
            testing::publish(&store, name, "1.0.0", "ann").unwrap();
        }
        for (from, size, expected) in [
            (0, 0, &[][..]),
            (0, 1, &["foo"]),
            (1, 1, &["foo-b"]),
            (0, 3, &["foo", "foo-b", "foo-c"]),
            (2, 9, &["foo-c"]),
            (3, 9, &[]),
            (usize::MAX, usize::MAX, &[]),
        ] {
            let query = SearchQuery { words: vec!["foo".to_owned()], from, size, ..SearchQuery::default() };
            let page = store.packages().search(&query, &|name| name != "foo-secret").unwrap();
            let names: Vec<&str> = page.hits.iter().map(|hit| &*hit.name).collect();
            assert_eq!((page.total, names.as_slice()), (3, expected), "from {from}, {size} of them");
        }
    }
}
