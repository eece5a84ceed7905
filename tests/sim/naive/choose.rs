//! Content codings (RFC 9110 §12.5.3): which of those there are a request asks for.

/// What a request thinks of a coding: its weight in thousandths, or nothing.
fn weight(preferences: &[(String, u32)], names: &[&str]) -> Option<u32> {
    preferences.iter().find(|(name, _)| names.contains(&name.as_str())).map(|(_, weight)| *weight)
}

/// Names and weights in the order sent; a weight that is none counts as 1.
fn preferences(values: &[&[u8]]) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    for value in values {
        for member in String::from_utf8_lossy(value).split(',') {
            let mut parts = member.split(';').map(|part| part.trim().to_ascii_lowercase());
            let name = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=").map(thousandths)).unwrap_or(1000);
            if !name.is_empty() {
                all.push((name, weight));
            }
        }
    }
    all
}

fn thousandths(text: &str) -> u32 {
    match text.split_once('.') {
        None if text == "0" => 0,
        Some(("0", digits)) if digits.len() <= 3 && digits.chars().all(|digit| digit.is_ascii_digit()) => {
            format!("{digits:0<3}").parse().expect("three digits")
        }
        _ => 1000,
    }
}

/// The coding to send, of those there are in the server's order; `Some(None)` for none, `None` when
/// nothing is acceptable.
pub(crate) fn choose(values: &[&[u8]], available: &[&'static str]) -> Option<Option<&'static str>> {
    let said = preferences(values);
    let any = weight(&said, &["*"]);
    let of = |coding: &str| match coding {
        "gzip" => weight(&said, &["gzip", "x-gzip"]).or(any),
        other => weight(&said, &[other]).or(any),
    };
    let named = weight(&said, &["identity"]);
    let identity_is_out = named.or(any) == Some(0);
    let best = available.iter().filter_map(|coding| of(coding).map(|weight| (weight, *coding)));
    // Of equal ones the server's favourite, which stands first.
    let best = best.rev().max_by_key(|(weight, _)| *weight).filter(|(weight, _)| *weight > 0);
    match best {
        Some((weight, _)) if named.is_some_and(|identity| identity > weight) => Some(None),
        Some((_, coding)) => Some(Some(coding)),
        None if !identity_is_out => Some(None),
        // It can do without identity, so it can do with something else.
        None => available.iter().find(|coding| of(coding).is_none()).map(|coding| Some(*coding)),
    }
}
