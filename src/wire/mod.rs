//! Sans-IO codecs: bytes to values and back. No socket, no clock, no policy.

pub mod date;
pub mod http;
pub mod http1;
pub mod proxy;
pub mod ws;
