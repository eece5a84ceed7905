#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| lattice::service::npm::document::fuzz(data));
