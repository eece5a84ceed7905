//! One WebSocket connection: frames in, messages to the app, frames out.

pub mod deflate;
