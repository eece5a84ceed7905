//! `name=value&name=value`, of a target's query or of a form.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;

use super::values::{Fault, Text};
use super::{FromRequest, Rejection};
use crate::app::router::decode;
use crate::web::request::Request;

/// The query of the target as a struct (or a map). Names and values are percent-decoded once, `+` is a
/// space, and a name without `=` has an empty value. Anything else is answered 400.
///
/// ```
/// use lattice::{App, Query};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Page { from: u32, size: Option<u32> }
///
/// fn page(Query(page): Query<Page>) -> String {
///     format!("{} from {}", page.size.unwrap_or(20), page.from)
/// }
///
/// let app = App::new().get("/", page).test();
/// assert_eq!(app.get("/?from=40").send().text(), "20 from 40");
/// assert_eq!(app.get("/?from=x").send().status, 400);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Rejection = Rejection;
    const BODY: bool = false;

    fn from_request(request: &Request<'_>) -> Result<Self, Rejection> {
        let query = request.core().head.query.unwrap_or_default();
        parse(query).map(Query).map_err(|fault| Rejection::Query(fault.to_string()))
    }
}

/// A body of the type `application/x-www-form-urlencoded`, as a struct (or a map). A body of another
/// type is answered 415, one of another shape 422.
#[derive(Debug, Clone, Copy)]
pub struct Form<T>(pub T);

const FORM: &str = "application/x-www-form-urlencoded";

impl<T: DeserializeOwned> FromRequest for Form<T> {
    type Rejection = Rejection;

    fn from_request(request: &Request<'_>) -> Result<Self, Rejection> {
        let media_type = request.header("content-type").and_then(|value| value.split(';').next());
        if !media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(FORM)) {
            return Err(Rejection::MediaType(FORM));
        }
        parse(request.body()).map(Form).map_err(|fault| Rejection::BodyShape(fault.to_string()))
    }
}

fn parse<T: DeserializeOwned>(encoded: &[u8]) -> Result<T, Fault> {
    let pairs = encoded.split(|&octet| octet == b'&').filter(|pair| !pair.is_empty());
    let pairs: Vec<_> = pairs.map(pair).collect::<Option<_>>().ok_or_else(|| Fault::new("an escape is broken"))?;
    T::deserialize(MapDeserializer::new(pairs.into_iter()))
}

fn pair(pair: &[u8]) -> Option<(Cow<'_, str>, Text<'_>)> {
    let cut = memchr::memchr(b'=', pair).unwrap_or(pair.len());
    Some((unescape(&pair[..cut])?, Text(unescape(&pair[(cut + 1).min(pair.len())..])?)))
}

fn unescape(encoded: &[u8]) -> Option<Cow<'_, str>> {
    if memchr::memchr(b'+', encoded).is_none() {
        return decode(encoded);
    }
    let spaced: Vec<u8> = encoded.iter().map(|&octet| if octet == b'+' { b' ' } else { octet }).collect();
    decode(&spaced).map(|text| Cow::Owned(text.into_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Order {
        Up,
        Down,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Page {
        name: String,
        from: Option<u32>,
        order: Option<Order>,
        #[serde(default)]
        all: bool,
    }

    fn page(query: &str) -> Result<Page, String> {
        parse(query.as_bytes()).map_err(|fault: Fault| fault.to_string())
    }

    #[test]
    fn a_query_becomes_a_struct() {
        let expected = Page { name: "a b&c é".into(), from: Some(7), order: Some(Order::Down), all: true };
        assert_eq!(page("name=a+b%26c%20%C3%A9&from=7&order=down&all=true"), Ok(expected));
        let expected = Page { name: String::new(), from: None, order: None, all: false };
        assert_eq!(page("&&name&"), Ok(expected));
        assert_eq!(page("name=%2B").map(|page| page.name), Ok("+".into()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(page(""), Err("missing field `name`".into()));
        assert_eq!(page("name=a&name=b"), Err("duplicate field `name`".into()));
        assert_eq!(page("name=a&from=-1"), Err("\"-1\" is no number of 32 bits without a sign".into()));
        assert_eq!(page("name=%zz"), Err("an escape is broken".into()));
        assert_eq!(page("name=%00"), Err("an escape is broken".into()));
        let fault = page("name=a&order=left").expect_err("no such variant");
        assert!(fault.contains("unknown variant `left`"), "{fault}");
    }

    #[test]
    fn a_query_becomes_a_map() {
        let map: BTreeMap<String, String> = parse(b"b=2&a=1").expect("pairs");
        assert_eq!(map.into_iter().collect::<Vec<_>>(), [("a".into(), "1".into()), ("b".into(), "2".into())]);
    }
}
