#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| lattice::wire::ws::fuzz::frames(data));
