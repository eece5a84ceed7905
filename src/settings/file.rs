//! `registry.toml`: walks the document table by table and hands each value to its key.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::keys::{Given, KEYS, SECTIONS, find};
use super::load::{Document, Draft};
use super::problem::{Origin, excerpt};
use super::{rules, suggest::nearest};

/// A place in a file and what is written there.
pub(crate) struct Source<'d> {
    document: &'d Document,
    /// Lines the parser could not read: what is found on them afterwards is a consequence.
    broken: Vec<usize>,
}

/// Takes everything the document sets.
pub(crate) fn read(draft: &mut Draft, document: &Document) {
    let mut source = Source { document, broken: Vec::new() };
    let (root, errors) = DeTable::parse_recoverable(&document.text);
    report_errors(draft, &mut source, &errors);
    if !errors.iter().any(|error| error.message().starts_with("key with no value")) {
        return read_sections(draft, &source, root.get_ref());
    }
    let mended = source.without_broken();
    let (root, errors) = DeTable::parse_recoverable(&mended);
    report_errors(draft, &mut source, &errors);
    read_sections(draft, &source, root.get_ref());
}

/// Reports each line that the parser complains about once.
fn report_errors(draft: &mut Draft, source: &mut Source<'_>, errors: &[toml::de::Error]) {
    for error in errors {
        if draft.is_hopeless() {
            return;
        }
        let end = source.document.text.len();
        let span = error.span().unwrap_or(end..end);
        let line = source.position(span.start).0;
        if !source.broken.contains(&line) {
            source.broken.push(line);
            report_syntax(draft, source, error.message(), span);
        }
    }
}

fn read_sections(draft: &mut Draft, source: &Source<'_>, root: &DeTable<'_>) {
    for (name, value) in root {
        if draft.is_hopeless() {
            return;
        }
        read_section(draft, source, name, value);
    }
}

fn report_syntax(draft: &mut Draft, source: &Source<'_>, message: &str, span: Range<usize>) {
    let line = excerpt(source.line_at(span.start).trim());
    let origin = source.origin(span.start);
    if message == "duplicate key" {
        let what = format!("{} is there twice: {line}", excerpt(source.text(span)));
        return draft.report(origin, what, "each table and each key may be written once: keep one of them");
    }
    let what = format!("not valid TOML: {line}");
    draft.report(origin, what, format!("the parser says: {message}"));
}

fn read_section(draft: &mut Draft, source: &Source<'_>, name: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) {
    if source.is_broken(&name.span()) {
        return;
    }
    let section = SECTIONS.into_iter().find(|section| section == name.get_ref());
    match (section, value.get_ref()) {
        (Some(section), DeValue::Table(table)) => read_table(draft, source, section, table),
        (Some(section), other) => draft.report(
            source.origin(value.span().start),
            format!("{section} = {} is {}, not a table", excerpt(source.text(value.span())), kind(other)),
            format!("write [{section}] on its own line, then its keys below"),
        ),
        (None, value) => report_unknown_section(draft, source, name, value),
    }
}

fn report_unknown_section(draft: &mut Draft, source: &Source<'_>, name: &Spanned<DeString<'_>>, value: &DeValue<'_>) {
    let title = excerpt(name.get_ref());
    let origin = source.origin(name.span().start);
    if value.is_table() || value.is_array() && nearest(name.get_ref(), SECTIONS).is_some() {
        let all = SECTIONS.map(|section| format!("[{section}]")).join(", ");
        let near = nearest(name.get_ref(), SECTIONS).map_or(String::new(), |near| format!("did you mean [{near}]? "));
        return draft.report(origin, format!("there is no table [{title}]"), format!("{near}the tables are {all}"));
    }
    draft.report(origin, format!("the key {title} is in no table"), in_which_section(name.get_ref()));
}

fn in_which_section(name: &str) -> String {
    match KEYS.iter().find(|key| key.name == name) {
        Some(key) => format!("{name} belongs under [{}]", key.section),
        None => "every key belongs under [node], [http], [ws] or [npm]".into(),
    }
}

fn read_table(draft: &mut Draft, source: &Source<'_>, section: &'static str, table: &DeTable<'_>) {
    for (name, value) in table {
        if draft.is_hopeless() {
            return;
        }
        if source.is_broken(&name.span()) {
            continue;
        }
        match find(section, name.get_ref()) {
            Some(key) => {
                let (written, origin) = (source.text(value.span()), source.origin(value.span().start));
                match texts(value.get_ref()) {
                    Some(texts) => draft.set(key, origin, &key.title(), Given::List(&texts), written),
                    None => draft.set(key, origin, &key.title(), given(value.get_ref()), written),
                }
            }
            None if (section, name.get_ref().as_ref()) == ("npm", "packages") => rules::read(draft, source, value),
            None => report_unknown_key(draft, source, section, name),
        }
    }
}

fn report_unknown_key(draft: &mut Draft, source: &Source<'_>, section: &str, name: &Spanned<DeString<'_>>) {
    let keys = || KEYS.iter().filter(|key| key.section == section).map(|key| key.name);
    let elsewhere = KEYS.iter().find(|key| key.name == name.get_ref());
    let remedy = match (elsewhere, nearest(name.get_ref(), keys())) {
        (Some(key), _) => format!("{} belongs under [{}]", key.name, key.section),
        (None, Some(near)) => format!("did you mean {near}?"),
        (None, None) => format!("the keys of [{section}] are {}", keys().collect::<Vec<_>>().join(", ")),
    };
    let what = format!("there is no key {} in [{section}]", excerpt(name.get_ref()));
    draft.report(source.origin(name.span().start), what, remedy);
}

/// The texts of a list that has nothing else.
fn texts<'v>(value: &'v DeValue<'_>) -> Option<Vec<&'v str>> {
    let texts = value.as_array()?.iter().map(|item| item.get_ref().as_str());
    texts.collect()
}

fn given<'v>(value: &'v DeValue<'_>) -> Given<'v> {
    match value {
        DeValue::Boolean(on) => Given::Flag(*on),
        DeValue::String(text) => Given::Text(text),
        // Only absurd lengths fail, and they are out of every bound just the same.
        DeValue::Integer(digits) => {
            Given::Number(i128::from_str_radix(digits.as_str(), digits.radix()).unwrap_or(i128::MAX))
        }
        DeValue::Float(number) => Given::Decimal(number.as_str()),
        other => Given::Other(kind(other)),
    }
}

/// What a value is, with its article.
pub(crate) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

impl Source<'_> {
    /// What is written there.
    pub(crate) fn text(&self, span: Range<usize>) -> &str {
        self.document.text.get(span).unwrap_or("")
    }

    /// The place, for a message.
    pub(crate) fn origin(&self, index: usize) -> Origin {
        let (line, column) = self.position(index);
        Origin::File { name: self.document.name.clone(), line, column }
    }

    /// Whether the parser complained about the line already.
    pub(crate) fn is_broken(&self, span: &Range<usize>) -> bool {
        self.broken.contains(&self.position(span.start).0)
    }

    /// The document with blanks for its broken lines. The parser gives up the rest of a document at
    /// a key without a value; without that line it finds what else there is, at the same offsets.
    fn without_broken(&self) -> String {
        let lines = self.document.text.split('\n').enumerate();
        let kept = lines.map(|(index, line)| match self.broken.contains(&(index + 1)) {
            true => " ".repeat(line.len()),
            false => line.to_string(),
        });
        kept.collect::<Vec<_>>().join("\n")
    }

    /// Line and column, from 1.
    fn position(&self, index: usize) -> (usize, usize) {
        let before = &self.document.text[..self.document.text.floor_char_boundary(index)];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
    }

    fn line_at(&self, index: usize) -> &str {
        self.document.text.split('\n').nth(self.position(index).0 - 1).unwrap_or("")
    }
}
