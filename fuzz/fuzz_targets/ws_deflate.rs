#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| lattice::session::ws::deflate::fuzz(data));
