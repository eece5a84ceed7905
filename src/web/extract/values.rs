//! Texts of a path, a query or a form to values, through serde.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde::de::value::CowStrDeserializer;
use serde::de::{Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Why a text is not the value that is wanted.
#[derive(Debug)]
pub(super) struct Fault(Cow<'static, str>);

impl Fault {
    pub(super) fn new(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: Display>(text: T) -> Self {
        Self(Cow::Owned(text.to_string()))
    }
}

/// One text, decoded.
pub(super) struct Text<'de>(pub(super) Cow<'de, str>);

impl Text<'_> {
    #[inline]
    fn parse<T: FromStr>(&self, what: &'static str) -> Result<T, Fault> {
        self.0.parse().map_err(|_| self.is_no(what))
    }

    #[cold]
    fn is_no(&self, what: &'static str) -> Fault {
        Fault(Cow::Owned(format!("{:?} is no {what}", self.0)))
    }
}

macro_rules! parsed {
    ($($name:ident $visit:ident $what:literal)*) => {$(
        #[inline]
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.$visit(self.parse($what)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Fault;

    parsed! {
        deserialize_bool visit_bool "true or false"
        deserialize_i8 visit_i8 "number from -128 to 127"
        deserialize_i16 visit_i16 "number of 16 bits"
        deserialize_i32 visit_i32 "number of 32 bits"
        deserialize_i64 visit_i64 "number of 64 bits"
        deserialize_i128 visit_i128 "number of 128 bits"
        deserialize_u8 visit_u8 "number from 0 to 255"
        deserialize_u16 visit_u16 "number from 0 to 65535"
        deserialize_u32 visit_u32 "number of 32 bits without a sign"
        deserialize_u64 visit_u64 "number of 64 bits without a sign"
        deserialize_u128 visit_u128 "number of 128 bits without a sign"
        deserialize_f32 visit_f32 "number"
        deserialize_f64 visit_f64 "number"
        deserialize_char visit_char "single character"
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// A variant by its name.
impl<'de> EnumAccess<'de> for Text<'de> {
    type Error = Fault;
    type Variant = Unit;

    fn variant_seed<V: serde::de::DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Unit), Fault> {
        let name: CowStrDeserializer<'de, Fault> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, Unit))
    }
}

/// A variant without contents: a text has no room for any.
pub(super) struct Unit;

impl<'de> VariantAccess<'de> for Unit {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<T: serde::de::DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Fault> {
        Err(Fault::new("a variant with contents cannot be told by a text"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        Err(Fault::new("a variant with contents cannot be told by a text"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Fault> {
        Err(Fault::new("a variant with contents cannot be told by a text"))
    }
}

impl<'de> IntoDeserializer<'de, Fault> for Text<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
