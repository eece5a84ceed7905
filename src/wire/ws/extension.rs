//! `Sec-WebSocket-Extensions` (RFC 6455 §9.1): which offer of permessage-deflate (RFC 7692) is taken, and
//! the answer to it.
//!
//! The values of all fields of the name come in, in the order sent; what was agreed on goes out, or nothing.
//! The first offer that can be kept is taken, for a client offers what it likes best first. An extension that
//! is not known is passed over. A parameter of permessage-deflate that is not known, comes twice or has a
//! value it cannot have declines its offer (RFC 7692 §7.1), never the connection; nor does an offer that is
//! none for want of a window of 8 bits: zlib compresses with 9 at least, and who asks for 8 would be sent
//! what it cannot unfold. Refused is what the grammar does not know. Work is linear in the bytes, nothing is
//! allocated.

use alloc::vec::Vec;

use crate::limits::{WS_OFFERS_MAX, WS_WINDOW_BITS_MAX, WS_WINDOW_BITS_MIN};
use crate::wire::http::fields::{is_token, skip_blanks};

const NAME: &[u8] = b"permessage-deflate";

/// The field is not what the grammar says: such a handshake is answered 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// What a server is ready to agree on. Not to compress at all is to have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Messages of the server may refer to those before; false keeps no memory between them.
    pub server_takeover: bool,
    /// Messages of the client may; false keeps no memory between them.
    pub client_takeover: bool,
    /// Window of the server's messages, as a power of two, 9 to 15.
    pub server_bits: u8,
    /// Largest window of the client's messages, 9 to 15; below 15 it is asked for where the client can do it.
    /// That spares the client memory, and this end none.
    pub client_bits: u8,
}

impl Default for Policy {
    fn default() -> Self {
        let bits = WS_WINDOW_BITS_MAX;
        Self { server_takeover: true, client_takeover: true, server_bits: bits, client_bits: bits }
    }
}

/// What both ends compress by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// Whether the server's messages refer to those before.
    pub server_takeover: bool,
    /// Whether the client's messages do.
    pub client_takeover: bool,
    /// Window of the server's messages, as a power of two, 9 to 15.
    pub server_bits: u8,
    /// Window of the client's messages, 8 to 15.
    pub client_bits: u8,
    says_server_bits: bool,
    says_client_bits: bool,
}

impl Agreed {
    /// Appends the value of the answer's `Sec-WebSocket-Extensions`.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(NAME);
        if !self.server_takeover {
            out.extend_from_slice(b"; server_no_context_takeover");
        }
        if !self.client_takeover {
            out.extend_from_slice(b"; client_no_context_takeover");
        }
        if self.says_server_bits {
            emit_bits(b"; server_max_window_bits=", self.server_bits, out);
        }
        if self.says_client_bits {
            emit_bits(b"; client_max_window_bits=", self.client_bits, out);
        }
    }
}

fn emit_bits(parameter: &[u8], bits: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(parameter);
    if bits >= 10 {
        out.push(b'1');
    }
    out.push(b'0' + bits % 10);
}

/// The first offer in `values` that can be kept under `policy`; at most [`WS_OFFERS_MAX`] are considered.
pub fn choose<'b>(
    values: impl Iterator<Item = &'b [u8]>,
    policy: Option<&Policy>,
) -> Result<Option<Agreed>, Malformed> {
    let mut chosen = None;
    let mut left = WS_OFFERS_MAX;
    for value in values {
        let mut rest = value;
        while let Some(offer) = next_extension(&mut rest)? {
            if left > 0 && chosen.is_none() {
                left -= 1;
                chosen = policy.and_then(|policy| offer?.agree(policy));
            }
        }
    }
    Ok(chosen)
}

/// The next extension of a list: the offer it is, if it is one of ours and sound. `None` at the end.
fn next_extension(rest: &mut &[u8]) -> Result<Option<Option<Offer>>, Malformed> {
    while let [b' ' | b'\t' | b',', after @ ..] = *rest {
        *rest = after;
    }
    if rest.is_empty() {
        return Ok(None);
    }
    let mut offer = (take_token(rest)? == NAME).then(Offer::default);
    loop {
        match *rest {
            [] => return Ok(Some(offer)),
            [b',', after @ ..] => {
                *rest = after;
                return Ok(Some(offer));
            }
            [b';', after @ ..] => {
                *rest = skip_blanks(after);
                let (name, value) = take_parameter(rest)?;
                offer = offer.and_then(|offer| offer.with(name, value));
            }
            _ => return Err(Malformed),
        }
    }
}

/// A parameter's name and its value, if it has one, without quotes but as escaped as it came.
fn take_parameter<'b>(rest: &mut &'b [u8]) -> Result<(&'b [u8], Option<&'b [u8]>), Malformed> {
    let name = take_token(rest)?;
    let [b'=', after @ ..] = *rest else { return Ok((name, None)) };
    *rest = skip_blanks(after);
    let value = match *rest {
        [b'"', after @ ..] => {
            *rest = after;
            take_quoted(rest)?
        }
        _ => take_token(rest)?,
    };
    Ok((name, Some(value)))
}

/// A token and the blanks behind it.
fn take_token<'b>(rest: &mut &'b [u8]) -> Result<&'b [u8], Malformed> {
    let is_end = |byte: &u8| matches!(byte, b' ' | b'\t' | b',' | b';' | b'=');
    let (token, after) = rest.split_at(rest.iter().position(is_end).unwrap_or(rest.len()));
    *rest = skip_blanks(after);
    if is_token(token) { Ok(token) } else { Err(Malformed) }
}

/// The inside of a quoted string whose first quote was taken, and the blanks behind it. What it says must be
/// a token too (RFC 6455 §9.1).
fn take_quoted<'b>(rest: &mut &'b [u8]) -> Result<&'b [u8], Malformed> {
    let text = *rest;
    let mut end = 0;
    loop {
        match text.get(end).ok_or(Malformed)? {
            b'"' => break,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    *rest = skip_blanks(&text[end + 1..]);
    let inside = &text[..end];
    if end > 0 && unescaped(inside).all(|byte| is_token(&[byte])) { Ok(inside) } else { Err(Malformed) }
}

/// The octets that a value stands for.
fn unescaped(value: &[u8]) -> impl Iterator<Item = u8> {
    let mut bytes = value.iter().copied();
    core::iter::from_fn(move || match bytes.next()? {
        b'\\' => bytes.next(),
        byte => Some(byte),
    })
}

/// The parameters of one offer; each at most once.
#[derive(Debug, Clone, Copy, Default)]
struct Offer {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<u8>,
    /// With the bits it names; it need not name any.
    client_bits: Option<Option<u8>>,
}

impl Offer {
    /// With one parameter more; `None` if the offer is declined for it.
    fn with(mut self, name: &[u8], value: Option<&[u8]>) -> Option<Self> {
        match (name, value) {
            (b"server_no_context_takeover", None) if !self.server_no_takeover => self.server_no_takeover = true,
            (b"client_no_context_takeover", None) if !self.client_no_takeover => self.client_no_takeover = true,
            (b"server_max_window_bits", Some(value)) if self.server_bits.is_none() => {
                self.server_bits = Some(window_bits(value)?);
            }
            (b"client_max_window_bits", None) if self.client_bits.is_none() => self.client_bits = Some(None),
            (b"client_max_window_bits", Some(value)) if self.client_bits.is_none() => {
                self.client_bits = Some(Some(window_bits(value)?));
            }
            _ => return None,
        }
        Some(self)
    }

    fn agree(&self, policy: &Policy) -> Option<Agreed> {
        let own = policy.server_bits.clamp(WS_WINDOW_BITS_MIN, WS_WINDOW_BITS_MAX);
        let demanded = policy.client_bits.clamp(WS_WINDOW_BITS_MIN, WS_WINDOW_BITS_MAX);
        if self.server_bits.is_some_and(|bits| bits < WS_WINDOW_BITS_MIN) {
            return None;
        }
        // A client that names its window keeps to it, whether the answer repeats it or not (§7.1.2.2).
        let theirs = self.client_bits.flatten().unwrap_or(WS_WINDOW_BITS_MAX);
        let says_client_bits = self.client_bits.is_some() && demanded < theirs;
        Some(Agreed {
            server_takeover: policy.server_takeover && !self.server_no_takeover,
            client_takeover: policy.client_takeover && !self.client_no_takeover,
            server_bits: self.server_bits.map_or(own, |bits| bits.min(own)),
            client_bits: if says_client_bits { demanded } else { theirs },
            says_server_bits: self.server_bits.is_some(),
            says_client_bits,
        })
    }
}

/// 8 to 15, without leading zeros (§7.1.2).
fn window_bits(value: &[u8]) -> Option<u8> {
    let mut digits = unescaped(value);
    match (digits.next()?, digits.next(), digits.next()) {
        (digit @ b'8'..=b'9', None, _) => Some(digit - b'0'),
        (b'1', Some(digit @ b'0'..=b'5'), None) => Some(10 + digit - b'0'),
        _ => None,
    }
}

/// A property that holds for any bytes at all, read as values a line each; panics where it does not.
///
/// What is agreed on keeps to the policy and is within what was offered; lines mean what one line of all of them
/// means; offering exactly what was answered is answered the same.
pub fn fuzz(data: &[u8]) {
    let policy = Policy { server_takeover: true, client_takeover: true, server_bits: 12, client_bits: 11 };
    let values = || data.split(|&byte| byte == b'\n');
    let chosen = choose(values(), Some(&policy));
    assert_eq!(choose(values(), None).is_err(), chosen.is_err(), "the grammar is the same without a policy");
    if !data.contains(&b'"') {
        let joined: Vec<u8> = data.iter().map(|&byte| if byte == b'\n' { b',' } else { byte }).collect();
        assert_eq!(choose([&joined[..]].into_iter(), Some(&policy)), chosen);
    }
    let Ok(Some(agreed)) = chosen else { return };
    assert!((WS_WINDOW_BITS_MIN..=policy.server_bits).contains(&agreed.server_bits));
    assert!((WS_WINDOW_BITS_MIN - 1..=WS_WINDOW_BITS_MAX).contains(&agreed.client_bits));
    let mut answer = Vec::new();
    agreed.emit(&mut answer);
    let again = choose([&answer[..]].into_iter(), Some(&policy)).expect("an answer is well-formed").expect("sound");
    let terms = |agreed: &Agreed| (agreed.server_takeover, agreed.client_takeover, agreed.server_bits);
    assert_eq!(terms(&again), terms(&agreed));
    assert!(!agreed.says_client_bits || again.client_bits == agreed.client_bits);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec;
    use proptest::prelude::*;

    fn answer_to(fields: &[&str], policy: &Policy) -> Result<Option<String>, Malformed> {
        let agreed = choose(fields.iter().map(|field| field.as_bytes()), Some(policy))?;
        Ok(agreed.map(|agreed| {
            let mut out = Vec::new();
            agreed.emit(&mut out);
            String::from_utf8(out).expect("ASCII")
        }))
    }

    fn check(policy: &Policy, cases: &[(&str, Option<&str>)]) {
        for (offer, answer) in cases {
            let expected = answer.map(|parameters| alloc::format!("permessage-deflate{parameters}"));
            assert_eq!(answer_to(&[offer], policy), Ok(expected), "{offer}");
        }
    }

    #[test]
    fn an_offer_is_answered_as_the_rfc_says() {
        check(
            &Policy::default(),
            &[
                ("permessage-deflate", Some("")),
                ("permessage-deflate; client_max_window_bits", Some("")),
                ("permessage-deflate; client_max_window_bits=8", Some("")),
                ("permessage-deflate; server_no_context_takeover", Some("; server_no_context_takeover")),
                ("permessage-deflate; client_no_context_takeover", Some("; client_no_context_takeover")),
                ("permessage-deflate; server_max_window_bits=10", Some("; server_max_window_bits=10")),
                ("permessage-deflate; server_max_window_bits=15", Some("; server_max_window_bits=15")),
                (
                    "permessage-deflate;server_max_window_bits=9 ;client_no_context_takeover;server_no_context_takeover",
                    Some("; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9"),
                ),
            ],
        );
    }

    #[test]
    fn a_policy_is_told_to_the_client_as_far_as_it_must_know() {
        let policy = Policy { server_takeover: false, client_takeover: false, server_bits: 12, client_bits: 11 };
        let no = "; server_no_context_takeover; client_no_context_takeover";
        for (offer, bits) in [
            ("permessage-deflate", ""),
            ("permessage-deflate; client_max_window_bits", "; client_max_window_bits=11"),
            ("permessage-deflate; client_max_window_bits=15", "; client_max_window_bits=11"),
            ("permessage-deflate; client_max_window_bits=11", ""),
            ("permessage-deflate; client_max_window_bits=10", ""),
            ("permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=12"),
            ("permessage-deflate; server_max_window_bits=9", "; server_max_window_bits=9"),
        ] {
            assert_eq!(
                answer_to(&[offer], &policy),
                Ok(Some(alloc::format!("permessage-deflate{no}{bits}"))),
                "{offer}"
            );
        }
    }

    #[test]
    fn what_is_agreed_on_holds_also_where_the_answer_does_not_say_it() {
        let policy = Policy { server_bits: 12, ..Policy::default() };
        let agreed = |offer: &str| choose([offer.as_bytes()].into_iter(), Some(&policy)).unwrap().unwrap();
        let plain = agreed("permessage-deflate");
        assert_eq!((plain.server_bits, plain.client_bits), (12, 15));
        assert_eq!(agreed("permessage-deflate; client_max_window_bits=9").client_bits, 9);
        assert!(!agreed("permessage-deflate; client_no_context_takeover").client_takeover);
        let odd = Policy { server_bits: 200, client_bits: 0, ..Policy::default() };
        let answer = Some("permessage-deflate; client_max_window_bits=9".into());
        assert_eq!(answer_to(&["permessage-deflate; client_max_window_bits"], &odd), Ok(answer));
    }

    #[test]
    fn an_offer_with_an_unsound_parameter_is_declined_and_the_next_one_taken() {
        for parameter in [
            "server_max_window_bits",
            "server_max_window_bits=8",
            "server_max_window_bits=7",
            "server_max_window_bits=16",
            "server_max_window_bits=010",
            "server_max_window_bits=100",
            "server_max_window_bits=1",
            "server_max_window_bits=+9",
            "client_max_window_bits=7",
            "client_max_window_bits=16",
            "client_max_window_bits=x",
            "server_no_context_takeover=1",
            "client_no_context_takeover=true",
            "server_no_context_takeover; server_no_context_takeover",
            "client_no_context_takeover; client_no_context_takeover",
            "server_max_window_bits=10; server_max_window_bits=10",
            "client_max_window_bits; client_max_window_bits=9",
            "unknown",
            "unknown=1",
            "Server_no_context_takeover",
        ] {
            let offer = alloc::format!("permessage-deflate; {parameter}");
            check(&Policy::default(), &[(&offer, None)]);
            let two = alloc::format!("{offer}, permessage-deflate; server_no_context_takeover");
            check(&Policy::default(), &[(&two, Some("; server_no_context_takeover"))]);
        }
    }

    #[test]
    fn the_first_offer_that_can_be_kept_is_taken_over_all_fields() {
        let fields =
            ["x-webkit-deflate-frame; a=\"b\", foo", "", "permessage-deflate; server_max_window_bits=9", NAME_TEXT];
        assert_eq!(
            answer_to(&fields, &Policy::default()),
            Ok(Some("permessage-deflate; server_max_window_bits=9".into()))
        );
        assert_eq!(answer_to(&["foo, bar; baz=2"], &Policy::default()), Ok(None));
        assert_eq!(answer_to(&[], &Policy::default()), Ok(None));
        assert_eq!(choose([NAME].into_iter(), None), Ok(None));
    }

    const NAME_TEXT: &str = "permessage-deflate";

    #[test]
    fn a_value_may_be_quoted() {
        let nine = Some("; server_max_window_bits=9");
        check(
            &Policy::default(),
            &[
                (r#"permessage-deflate; server_max_window_bits="9""#, nine),
                (r#"permessage-deflate; server_max_window_bits="\9""#, nine),
                (r#"permessage-deflate ;server_max_window_bits = "9" "#, nine),
                (r#"permessage-deflate; server_max_window_bits="1\0""#, Some("; server_max_window_bits=10")),
                (r#"permessage-deflate; server_max_window_bits="09""#, None),
            ],
        );
    }

    #[test]
    fn what_the_grammar_does_not_know_is_refused_wherever_it_stands() {
        for bad in [
            ";",
            "permessage-deflate;",
            "permessage-deflate; ",
            "permessage-deflate; =9",
            "permessage-deflate; server_max_window_bits=",
            "permessage-deflate; server_max_window_bits=9 9",
            "permessage-deflate server_no_context_takeover",
            "permessage-deflate; a=\"",
            "permessage-deflate; a=\"\"",
            "permessage-deflate; a=\"b c\"",
            "permessage-deflate; a=\"b\\",
            "permessage-deflate; a=\"b\\\"",
            "permessage-deflate; a=\"b\"c",
            "permessage-deflate; a=b\"c\"",
            "permessage-deflate; a=\"b,c\"",
            "permessage-deflate=9",
            "\"permessage-deflate\"",
            "permessage/deflate",
            "permessage-deflate\u{0}",
            "p\u{e9}rmessage",
        ] {
            for field in [String::from(bad), alloc::format!("permessage-deflate, {bad}")] {
                assert_eq!(answer_to(&[&field], &Policy::default()), Err(Malformed), "{field}");
                assert_eq!(choose([field.as_bytes()].into_iter(), None), Err(Malformed), "{field}");
            }
        }
    }

    #[test]
    fn so_many_offers_are_considered_and_no_more() {
        for (before, is_taken) in [(WS_OFFERS_MAX - 2, true), (WS_OFFERS_MAX - 1, true), (WS_OFFERS_MAX, false)] {
            let field = "foo,".repeat(before) + NAME_TEXT;
            assert_eq!(answer_to(&[&field], &Policy::default()).unwrap().is_some(), is_taken, "after {before}");
        }
        let field = "foo,".repeat(WS_OFFERS_MAX) + ";";
        assert_eq!(answer_to(&[&field], &Policy::default()), Err(Malformed));
    }

    proptest! {
        #[test]
        fn the_property_holds_for_anything(text in "[ -~\n\t]{0,200}") {
            fuzz(text.as_bytes());
        }

        #[test]
        fn the_property_holds_for_what_is_nearly_right(parts in prop::collection::vec(prop::sample::select(vec![
            "permessage-deflate", "; server_max_window_bits", "; client_max_window_bits", "=9", "=\"1\\5\"", "=8",
            "; server_no_context_takeover", "; client_no_context_takeover", ", ", "\n", " ", ";", "foo",
        ]), 0..12)) {
            fuzz(parts.concat().as_bytes());
        }
    }
}
