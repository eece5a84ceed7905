//! What a `POST` demands: one change, as JSON.
//!
//! ```text
//! {"flag":   {"name": "DEBUG", "on": true}}
//! {"byte":   {"offset": 10, "value": 24}}
//! {"fields": {"rows": 24, "cols": 80}}
//! {"hex":    "01…"}                          the whole record, 26 digits
//! ```
//!
//! With `"durable": true` beside it, the answer comes when the change is on the disk. Anything else is
//! refused with the place, the value and what is allowed there.

use serde_json::{Map, Value};

use crate::app::live::field::{Field, flag, record};
pub(super) use crate::app::live::field::{Mistake, excerpt};
use crate::config::{Config, Flags};

/// What is demanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) change: Change,
    /// To be on the disk before the answer.
    pub(super) durable: bool,
}

/// One change, which some configs cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Fields(Vec<(&'static Field, u64)>),
    Flag(Flags, bool),
    /// A byte and its value.
    Byte(u64, u64),
    Record(Config),
}

const KINDS: &str = "exactly one of flag, byte, fields, hex, and durable beside it";

impl Demand {
    /// Reads the body of a request.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Mistake> {
        let all: Value = serde_json::from_slice(body)
            .map_err(|error| Mistake::new("the body", format!("what it is ({error})"), "a JSON object"))?;
        let all = object("the body", &all)?;
        let durable = all.get("durable").map_or(Ok(false), |value| boolean("durable", value))?;
        let mut changes = all.iter().filter(|(name, _)| *name != "durable");
        let (Some((name, value)), None) = (changes.next(), changes.next()) else {
            let names: Vec<String> = all.keys().map(|name| excerpt(name)).collect();
            let named = if names.is_empty() { "empty".to_owned() } else { names.join(", ") };
            return Err(Mistake::new("the body", named, KINDS));
        };
        let change = match name.as_str() {
            "flag" => flag_change(value)?,
            "byte" => byte_change(value)?,
            "fields" => fields_change(value)?,
            "hex" => Change::Record(record(text("hex", value)?)?),
            other => return Err(Mistake::new("the body", excerpt(other), KINDS)),
        };
        let demand = Self { change, durable };
        // What no config could have is known before one is read.
        demand.change.apply(Config::new()).map(|_| demand)
    }
}

impl Change {
    /// The config after it.
    pub(super) fn apply(&self, config: Config) -> Result<Config, Mistake> {
        match self {
            Change::Flag(flag, on) => Ok(config.with_features(*flag, *on)),
            Change::Record(record) => Ok(*record),
            Change::Fields(fields) => {
                fields.iter().try_fold(config, |config, (field, value)| field.set(config, *value))
            }
            Change::Byte(offset, value) => set_byte(config, *offset, *value),
        }
    }
}

/// One byte of a field of four is any; of a field of one, what the field may be.
fn set_byte(config: Config, offset: u64, value: u64) -> Result<Config, Mistake> {
    let field = Field::at(offset)?;
    if field.bytes == 1 {
        return field.set(config, value);
    }
    let mistake = || Mistake::new(format!("byte {offset} ({})", field.name), value.to_string(), "0 to 255");
    let byte = u8::try_from(value).map_err(|_| mistake())?;
    config.with_byte(offset as u32, byte).map_err(|_| mistake())
}

fn flag_change(value: &Value) -> Result<Change, Mistake> {
    let [name, on] = members("flag", value, ["name", "on"])?;
    Ok(Change::Flag(flag(text("flag.name", name)?)?, boolean("flag.on", on)?))
}

fn byte_change(value: &Value) -> Result<Change, Mistake> {
    let [offset, value] = members("byte", value, ["offset", "value"])?;
    Ok(Change::Byte(number("byte.offset", offset, "0 to 12")?, number("byte.value", value, "0 to 255")?))
}

fn fields_change(value: &Value) -> Result<Change, Mistake> {
    let fields = object("fields", value)?;
    if fields.is_empty() {
        return Err(Mistake::new("fields", "{}", "a field at least"));
    }
    let change = |(name, value): (&String, &Value)| {
        let field = Field::find(name)?;
        Ok((field, number(field.name, value, &field.allowed())?))
    };
    fields.iter().map(change).collect::<Result<_, _>>().map(Change::Fields)
}

/// The members of an object that has these and no others.
fn members<'v, const N: usize>(place: &str, value: &'v Value, names: [&str; N]) -> Result<[&'v Value; N], Mistake> {
    let all = object(place, value)?;
    let allowed = || format!("an object with {}", names.join(" and "));
    if let Some(other) = all.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(Mistake::new(place, format!("one with {}", excerpt(other)), allowed()));
    }
    let mut found = [&Value::Null; N];
    for (found, name) in found.iter_mut().zip(names) {
        *found = all.get(name).ok_or_else(|| Mistake::new(place, format!("without {name}"), allowed()))?;
    }
    Ok(found)
}

fn object<'v>(place: &str, value: &'v Value) -> Result<&'v Map<String, Value>, Mistake> {
    value.as_object().ok_or_else(|| mistake(place, value, "an object"))
}

fn text<'v>(place: &str, value: &'v Value) -> Result<&'v str, Mistake> {
    value.as_str().ok_or_else(|| mistake(place, value, "a text"))
}

fn boolean(place: &str, value: &Value) -> Result<bool, Mistake> {
    value.as_bool().ok_or_else(|| mistake(place, value, "true or false"))
}

fn number(place: &str, value: &Value, allowed: &str) -> Result<u64, Mistake> {
    value.as_u64().ok_or_else(|| mistake(place, value, allowed))
}

fn mistake(place: &str, value: &Value, allowed: &str) -> Mistake {
    Mistake::new(place, excerpt(&value.to_string()), allowed)
}
