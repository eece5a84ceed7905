//! Values to JSON, straight into memory: the same bytes as `serde_json` writes, several times as fast
//! where there is text. `bench_node` under callgrind shows it.

#[cfg(test)]
mod tests;
mod text;

use std::fmt::{self, Display, Formatter};

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::buffer::decimal;
use text::string;

/// Why a value is no JSON.
#[derive(Debug)]
pub(super) struct Fault(String);

impl Display for Fault {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl serde::ser::Error for Fault {
    fn custom<T: Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

/// Appends `value`.
#[inline]
pub(super) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Fault> {
    value.serialize(Writer(out))
}

/// `serde_json` hands over text that is JSON already as a struct of such a name, with one field.
const READY: &str = "$serde_json::private::";

struct Writer<'a>(&'a mut Vec<u8>);

/// An array or object that is being written.
struct Inside<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
    is_ready: bool,
    end: &'static [u8],
}

impl<'a> Writer<'a> {
    #[inline]
    fn begin(self, begin: &[u8], end: &'static [u8]) -> Inside<'a> {
        self.0.extend_from_slice(begin);
        Inside { out: self.0, is_first: true, is_ready: false, end }
    }

    /// `{"name":` and what ends it together with `inside`.
    fn variant(self, name: &str, inside: &[u8], end: &'static [u8]) -> Inside<'a> {
        self.0.push(b'{');
        string(self.0, name);
        self.0.push(b':');
        self.begin(inside, end)
    }

    /// Whatever `serde_json` makes of a number that is rare.
    fn number(self, number: impl Serialize) -> Result<(), Fault> {
        serde_json::to_writer(self.0, &number).map_err(serde::ser::Error::custom)
    }
}

macro_rules! integers {
    ($($name:ident $type:ty),*) => {$(
        #[inline]
        fn $name(self, number: $type) -> Result<(), Fault> {
            if i128::from(number) < 0 {
                self.0.push(b'-');
            }
            self.0.extend_from_slice(decimal(i128::from(number).unsigned_abs() as u64, &mut [0; 20]));
            Ok(())
        }
    )*};
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Inside<'a>;
    type SerializeTuple = Inside<'a>;
    type SerializeTupleStruct = Inside<'a>;
    type SerializeTupleVariant = Inside<'a>;
    type SerializeMap = Inside<'a>;
    type SerializeStruct = Inside<'a>;
    type SerializeStructVariant = Inside<'a>;

    integers! {
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64
    }

    fn serialize_i128(self, number: i128) -> Result<(), Fault> {
        self.number(number)
    }

    fn serialize_u128(self, number: u128) -> Result<(), Fault> {
        self.number(number)
    }

    fn serialize_f32(self, number: f32) -> Result<(), Fault> {
        self.number(number)
    }

    fn serialize_f64(self, number: f64) -> Result<(), Fault> {
        self.number(number)
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Fault> {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Fault> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Fault> {
        string(self.0, text);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Fault> {
        self.collect_seq(bytes)
    }

    fn serialize_unit(self) -> Result<(), Fault> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Fault> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Fault> {
        self.serialize_unit()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Fault> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        let inside = self.variant(variant, b"", b"}");
        write(value, inside.out)?;
        inside.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'a>, Fault> {
        Ok(self.begin(b"[", b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Inside<'a>, Fault> {
        Ok(self.begin(b"[", b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside<'a>, Fault> {
        Ok(self.begin(b"[", b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside<'a>, Fault> {
        Ok(self.variant(variant, b"[", b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Inside<'a>, Fault> {
        Ok(self.begin(b"{", b"}"))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Inside<'a>, Fault> {
        if name.starts_with(READY) {
            return Ok(Inside { is_ready: true, ..self.begin(b"", b"") });
        }
        Ok(self.begin(b"{", b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside<'a>, Fault> {
        Ok(self.variant(variant, b"{", b"}}"))
    }
}

impl Inside<'_> {
    #[inline]
    fn comma(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.push(b',');
        }
    }

    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.comma();
        write(value, self.out)
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Fault> {
        if self.is_ready {
            return self.ready(value);
        }
        self.comma();
        string(self.out, key);
        self.out.push(b':');
        write(value, self.out)
    }

    /// The text of a field is JSON itself.
    #[cold]
    fn ready<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let value = serde_json::to_value(value).map_err(serde::ser::Error::custom)?;
        self.out.extend_from_slice(value.as_str().unwrap_or("null").as_bytes());
        Ok(())
    }

    #[inline]
    fn finish(self) -> Result<(), Fault> {
        self.out.extend_from_slice(self.end);
        Ok(())
    }
}

macro_rules! items {
    ($($trait:ident $name:ident)*) => {$(
        impl $trait for Inside<'_> {
            type Ok = ();
            type Error = Fault;

            #[inline]
            fn $name<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.item(value)
            }

            #[inline]
            fn end(self) -> Result<(), Fault> {
                self.finish()
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl $trait for Inside<'_> {
            type Ok = ();
            type Error = Fault;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Fault> {
                self.field(key, value)
            }

            #[inline]
            fn end(self) -> Result<(), Fault> {
                self.finish()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Inside<'_> {
    type Ok = ();
    type Error = Fault;

    /// A number or a truth value is a key as the text it is.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.comma();
        let begun = self.out.len();
        write(key, self.out)?;
        match self.out.get(begun) {
            Some(b'"') => {}
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                self.out.insert(begun, b'"');
                self.out.push(b'"');
            }
            _ => return Err(Fault("the key of a map is no text".into())),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.out.push(b':');
        write(value, self.out)
    }

    fn end(self) -> Result<(), Fault> {
        self.finish()
    }
}
