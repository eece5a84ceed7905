//! Proactive negotiation (RFC 9110 §12.5): what a client prefers in, which of what there is out.
//!
//! Preferences that make no sense are read as if they were not there, and a weight that is none
//! counts as 1. Of two equal preferences the server's order decides. At most [`PREFERENCES_MAX`]
//! preferences are looked at, over all fields of a name; work is linear in their bytes.

use super::fields::{is_token, quoted_end, skip_blanks, trim};
use crate::limits::PREFERENCES_MAX;

/// A weight of 1, in the thousandths it is counted in.
pub const FULL_WEIGHT: u16 = 1000;

/// A content coding (RFC 9110 §8.4.1) that this program can make. As it is, is no coding: `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// `br` (RFC 7932)
    Brotli,
    /// `gzip` (RFC 1952)
    Gzip,
    /// `zstd` (RFC 8878)
    Zstd,
}

impl Coding {
    /// All, smallest results first: the order to offer them in where nothing else is known.
    pub const ALL: [Coding; 3] = [Coding::Brotli, Coding::Zstd, Coding::Gzip];

    /// As it stands in `Content-Encoding`.
    pub const fn token(self) -> &'static str {
        match self {
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
            Coding::Zstd => "zstd",
        }
    }

    fn parse(token: &[u8]) -> Option<Self> {
        let is = |name: &str| token.eq_ignore_ascii_case(name.as_bytes());
        match token.len() {
            2 if is("br") => Some(Coding::Brotli),
            4 if is("gzip") => Some(Coding::Gzip),
            4 if is("zstd") => Some(Coding::Zstd),
            // §8.4.1.3: the same as gzip.
            6 if is("x-gzip") => Some(Coding::Gzip),
            _ => None,
        }
    }
}

/// Bytes of a weight, at most: `0.123`.
const WEIGHT_BYTES_MAX: usize = 5;

/// What an `Accept-Encoding` says; of two preferences for one coding, the first.
#[derive(Default)]
struct Codings {
    named: [Option<u16>; 3],
    identity: Option<u16>,
    any: Option<u16>,
}

/// The coding that the values of `Accept-Encoding` ask for, out of those that are `available` in the
/// server's order; `Some(None)` for none at all, `None` when everything there is was ruled out.
///
/// A client that sends no field, or an empty one, gets no coding. One that rules out only identity
/// gets a coding, named or not: whoever can do without it can do something else.
pub fn coding<'b>(values: impl Iterator<Item = &'b [u8]>, available: &[Coding]) -> Option<Option<Coding>> {
    let said = read_codings(values);
    let mut best: Option<(u16, Coding)> = None;
    for &coding in available {
        let weight = said.weight(coding).unwrap_or(0);
        if weight > best.map_or(0, |(weight, _)| weight) {
            best = Some((weight, coding));
        }
    }
    let is_allowed = said.identity.or(said.any) != Some(0);
    match best {
        // Identity that is not named is the last resort.
        Some((weight, _)) if said.identity.is_some_and(|identity| identity > weight) => Some(None),
        Some((_, coding)) => Some(Some(coding)),
        None if is_allowed => Some(None),
        None => available.iter().find(|coding| said.weight(**coding).is_none()).map(|coding| Some(*coding)),
    }
}

fn read_codings<'b>(values: impl Iterator<Item = &'b [u8]>) -> Codings {
    let mut said = Codings::default();
    each_preference(values, |preference| {
        let slot = match preference.name {
            b"*" => &mut said.any,
            name => match Coding::parse(name) {
                Some(coding) => &mut said.named[coding as usize],
                None if name.eq_ignore_ascii_case(b"identity") => &mut said.identity,
                None => return,
            },
        };
        if slot.is_none() {
            *slot = Some(preference.weight());
        }
    });
    said
}

impl Codings {
    fn weight(&self, coding: Coding) -> Option<u16> {
        self.named[coding as usize].or(self.any)
    }
}

/// A media type that is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaType<'a> {
    /// `type/subtype`
    pub essence: &'a str,
    /// Its parameters, names in lower case.
    pub parameters: &'a [(&'a str, &'a str)],
}

impl<'a> MediaType<'a> {
    /// One without parameters.
    pub const fn new(essence: &'a str) -> Self {
        Self { essence, parameters: &[] }
    }
}

/// How a media type was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// How exactly it was named: not at all, [`Weight::ANY`], [`Weight::TYPE`], [`Weight::EXACT`], and
    /// one more for each parameter.
    pub rank: u8,
    /// Its weight in thousandths; 0 also when it was not named.
    pub value: u16,
}

impl Weight {
    /// `*/*`
    pub const ANY: u8 = 1;
    /// `type/*`
    pub const TYPE: u8 = 2;
    /// `type/subtype`
    pub const EXACT: u8 = 3;

    /// The more exact range wins (§12.5.1); of two as exact, the first.
    fn note(&mut self, rank: u8, preference: &Preference<'_>) {
        if rank > self.rank {
            (self.rank, self.value) = (rank, preference.weight());
        }
    }
}

/// The weight that the values of `Accept` give to each of `offered`.
pub fn media_weights<'b, const N: usize>(
    values: impl Iterator<Item = &'b [u8]>,
    offered: &[MediaType<'_>; N],
) -> [Weight; N] {
    let mut weights = [Weight::default(); N];
    each_preference(values, |preference| {
        for (weight, offer) in weights.iter_mut().zip(offered) {
            if let Some(rank) = preference.rank_of(offer) {
                weight.note(rank, preference);
            }
        }
    });
    weights
}

/// The index of the media type to send, out of those that are `offered` in the server's order; `None`
/// when all were ruled out. Without preferences it is the first.
pub fn media<'b>(values: impl Iterator<Item = &'b [u8]> + Clone, offered: &[MediaType<'_>]) -> Option<usize> {
    let mut best: Option<(u16, usize)> = None;
    let mut any_preference = false;
    for (index, offer) in offered.iter().enumerate() {
        let mut weight = Weight::default();
        each_preference(values.clone(), |preference| {
            any_preference = true;
            if let Some(rank) = preference.rank_of(offer) {
                weight.note(rank, preference);
            }
        });
        if weight.value > best.map_or(0, |(value, _)| value) {
            best = Some((weight.value, index));
        }
    }
    match best {
        None if !any_preference && !offered.is_empty() => Some(0),
        best => best.map(|(_, index)| index),
    }
}

/// One member of a list: a name, and its parameters with the semicolon before each.
struct Preference<'b> {
    name: &'b [u8],
    parameters: &'b [u8],
}

impl<'b> Preference<'b> {
    /// The first member of a list and what follows it; each byte is looked at once.
    fn split(mut list: &'b [u8]) -> Option<(Self, &'b [u8])> {
        while let [b' ' | b'\t' | b',', rest @ ..] = list {
            list = rest;
        }
        if list.is_empty() {
            return None;
        }
        let name_end = list.iter().position(|byte| matches!(byte, b',' | b';')).unwrap_or(list.len());
        let mut end = name_end;
        while let Some(&byte) = list.get(end) {
            match byte {
                b',' => break,
                b'"' => end = quoted_end(list, end),
                _ => end += 1,
            }
        }
        let parameters = list.get(name_end..end).unwrap_or_default();
        Some((Self { name: trim(&list[..name_end]), parameters }, list.get(end..).unwrap_or_default()))
    }

    /// Parameter names and values, without blanks around either.
    fn parameters(&self) -> impl Iterator<Item = (&'b [u8], &'b [u8])> {
        let mut rest = self.parameters;
        core::iter::from_fn(move || {
            let [b';', parameter @ ..] = rest else { return None };
            let end = parameter_end(parameter);
            let text = trim(&parameter[..end]);
            rest = &parameter[end..];
            let equals = memchr::memchr(b'=', text).unwrap_or(text.len());
            Some((&text[..equals], text.get(equals + 1..).unwrap_or_default()))
        })
    }

    fn weight(&self) -> u16 {
        if self.parameters.is_empty() {
            return FULL_WEIGHT;
        }
        if let Some(value) = self.only_q() {
            return qvalue(value);
        }
        self.parameters().find(|(name, _)| is_q(name)).map_or(FULL_WEIGHT, |(_, value)| qvalue(value))
    }

    /// The value of `q` where it is the only parameter, as it nearly always is.
    fn only_q(&self) -> Option<&'b [u8]> {
        let [b';', rest @ ..] = self.parameters else { return None };
        let [b'q' | b'Q', b'=', value @ ..] = skip_blanks(rest) else { return None };
        let value = trim(value);
        (value.len() <= WEIGHT_BYTES_MAX && !value.contains(&b';')).then_some(value)
    }

    /// How exactly this range names a type; `None` when it does not.
    fn rank_of(&self, offer: &MediaType<'_>) -> Option<u8> {
        let essence = offer.essence.as_bytes();
        if self.name == essence || self.name.eq_ignore_ascii_case(essence) {
            let is_bare = self.parameters.is_empty() || self.only_q().is_some();
            let count = if is_bare { Some(0) } else { self.count_parameters(offer) };
            return count.map(|count| Weight::EXACT.saturating_add(count));
        }
        match self.name {
            // A star alone is no range, but what some clients send for one.
            b"*/*" | b"*" => Some(Weight::ANY),
            [kind @ .., b'/', b'*'] => {
                let prefix = essence.get(..=kind.len())?;
                (prefix[..kind.len()].eq_ignore_ascii_case(kind) && prefix[kind.len()] == b'/').then_some(Weight::TYPE)
            }
            _ => None,
        }
    }

    /// How many parameters this range has, if the offer has all of them. `charset` is passed over:
    /// there is one that is sent, and clients name it for types that have none.
    fn count_parameters(&self, offer: &MediaType<'_>) -> Option<u8> {
        let mut count = 0u8;
        for (name, value) in self.parameters() {
            if is_q(name) {
                break;
            }
            if name.is_empty() || name.eq_ignore_ascii_case(b"charset") {
                continue;
            }
            let is_it = |(known, expected): &(&str, &str)| {
                name.eq_ignore_ascii_case(known.as_bytes()) && unquoted(value) == expected.as_bytes()
            };
            offer.parameters.iter().find(|known| is_it(known))?;
            count = count.saturating_add(1);
        }
        Some(count)
    }
}

fn is_q(name: &[u8]) -> bool {
    matches!(name, [b'q' | b'Q'])
}

/// Where the next semicolon outside of quotes stands.
fn parameter_end(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b';', b'"', &text[at..]) {
        at += found;
        if text[at] == b';' {
            return at;
        }
        at = quoted_end(text, at);
    }
    text.len()
}

/// A quoted string without its quotes when it says a token: the two are the same (§5.6.6).
fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inside @ .., b'"'] if is_token(inside) => inside,
        _ => value,
    }
}

fn each_preference<'b>(values: impl Iterator<Item = &'b [u8]>, mut each: impl FnMut(&Preference<'b>)) {
    let mut left = PREFERENCES_MAX;
    for mut rest in values {
        while let Some((preference, after)) = Preference::split(rest) {
            if left == 0 {
                return;
            }
            left -= 1;
            each(&preference);
            rest = after;
        }
    }
}

/// A weight in thousandths (§12.4.2); one that is none counts as 1.
fn qvalue(value: &[u8]) -> u16 {
    let fraction = match value {
        [b'0'] => return 0,
        [b'0', b'.', fraction @ ..] if fraction.len() <= 3 => fraction,
        _ => return FULL_WEIGHT,
    };
    if !fraction.iter().all(u8::is_ascii_digit) {
        return FULL_WEIGHT;
    }
    let digit = |index: usize| u16::from(fraction.get(index).map_or(0, |digit| digit - b'0'));
    digit(0) * 100 + digit(1) * 10 + digit(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_thousandths_at_most_one() {
        for (text, expected) in [
            ("0", 0),
            ("0.", 0),
            ("0.000", 0),
            ("0.5", 500),
            ("0.05", 50),
            ("0.999", 999),
            ("1", 1000),
            ("1.", 1000),
            ("1.000", 1000),
        ] {
            assert_eq!(qvalue(text.as_bytes()), expected, "{text}");
        }
        for bad in ["", "2", "-1", "0.1234", "0.a", "1.9", "0,5", "00", ".5"] {
            assert_eq!(qvalue(bad.as_bytes()), FULL_WEIGHT, "{bad}");
        }
    }
}
