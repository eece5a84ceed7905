//! stub
use crate::app::ws::Compress;
use crate::buffer::Aligned;
use crate::wire::ws::{Code, Kind, extension::Agreed};
pub struct Inflater;
pub struct Bad;
impl Bad {
    pub fn code(&self) -> Code {
        Code::INTERNAL
    }
    pub fn sentence(&self) -> &'static str {
        ""
    }
}
impl Inflater {
    pub fn new(_: &Agreed) -> Self {
        Self
    }
    pub fn inflate(&mut self, _: Kind, _: &[u8], _: usize) -> Result<Aligned, Bad> {
        Err(Bad)
    }
    pub fn held_bytes(&self) -> usize {
        0
    }
}
pub struct Deflater;
impl Deflater {
    pub fn new(_: &Agreed) -> Self {
        Self
    }
}
impl Compress for Deflater {
    fn compress(&mut self, _: &[u8]) -> Option<Aligned> {
        None
    }
    fn held_bytes(&self) -> usize {
        0
    }
}
