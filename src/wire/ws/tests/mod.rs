mod control;
mod fragments;
mod frames;
mod handshake;
mod limits;
mod round_trip;
mod support;
mod text;
