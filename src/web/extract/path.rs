//! The captures of a route's pattern, as values.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::values::{Fault, Text};
use super::{FromRequest, Rejection};
use crate::app::router::decode;
use crate::web::request::Request;

/// The captures of the path, percent-decoded once: one value for one capture, a tuple for several in
/// the order of the pattern, or a struct whose fields have the names of the captures.
///
/// A capture that does not make such a value is answered 404: there is nothing at that path. One
/// whose percent-encoding is broken is answered 400.
///
/// ```
/// use lattice::{App, Path};
///
/// fn range(Path((from, to)): Path<(u32, u32)>) -> String {
///     format!("{from} to {to}")
/// }
///
/// let app = App::new().get("/range/{from}/{to}", range).test();
/// assert_eq!(app.get("/range/1/9").send().text(), "1 to 9");
/// assert_eq!(app.get("/range/1/x").send().status, 404);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Path<T> {
    type Rejection = Rejection;
    const BODY: bool = false;

    #[inline]
    fn from_request(request: &Request<'_>) -> Result<Self, Rejection> {
        match T::deserialize(Captures(request)) {
            Ok(value) => Ok(Path(value)),
            Err(fault) => Err(rejection(request, fault)),
        }
    }
}

#[cold]
fn rejection(request: &Request<'_>, fault: Fault) -> Rejection {
    match request.params().find(|(_, value)| decode(value).is_none()) {
        Some((name, _)) => Rejection::PathEscape(name.to_owned()),
        None => Rejection::Path(fault.to_string()),
    }
}

/// All captures of a request.
struct Captures<'a>(&'a Request<'a>);

impl<'a> Captures<'a> {
    /// The one capture of a pattern that has one.
    #[inline]
    fn only(&self) -> Result<Text<'a>, Fault> {
        let mut params = self.0.params();
        match (params.next(), params.next()) {
            (Some((_, value)), None) => text(value),
            _ => Err(Fault::new("the pattern has not one capture: take a tuple or a struct")),
        }
    }

    fn all(&self) -> Result<Vec<(&'a str, Text<'a>)>, Fault> {
        self.0.params().map(|(name, value)| Ok((name, text(value)?))).collect()
    }
}

#[inline]
fn text(value: &[u8]) -> Result<Text<'_>, Fault> {
    decode(value).map(Text).ok_or_else(|| Fault::new("its percent-encoding is not that of a text"))
}

macro_rules! only {
    ($($name:ident)*) => {$(
        #[inline]
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.only()?.$name(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Captures<'de> {
    type Error = Fault;

    only! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_option deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let texts: Vec<Text<'de>> = self.all()?.into_iter().map(|(_, text)| text).collect();
        visitor.visit_seq(SeqDeserializer::new(texts.into_iter()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Fault> {
        if self.0.params().len() != count {
            return Err(Fault::new("the pattern has another number of captures than the tuple has values"));
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(count, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(MapDeserializer::new(self.all()?.into_iter()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    forward_to_deserialize_any! { unit unit_struct ignored_any }
}
