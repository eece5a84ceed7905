//! Values: the 13 bytes, the checksummed slots they are kept in, frames. No file.

use std::hint::black_box;

use super::super::super::super::output::Failure;
use super::super::{Batch, Bench, FallibleBatch, Pair, Subject, TargetKey, mix};
use super::bench;
use crate::config::frame::{FRAME_BYTES, Frame};
use crate::config::layout::{CONFIG_BYTES, SLOT_BYTES};
use crate::config::{Config, Flags, Image, Slot, TerminalMode, slot};

const BYTES: [u8; CONFIG_BYTES] = [1, 0x78, 0x56, 0x34, 0x12, 0xa5, 0, 0, 0xc0, 2, 24, 80, 0xee];
/// Operations of a batch.
const TIMES: u64 = 64;

const OF_SLOT: TargetKey = TargetKey::Nanoseconds(|targets| targets.config_slot_decode_ns);
const OF_FRAME: TargetKey = TargetKey::Nanoseconds(|targets| targets.config_frame_decode_ns);
const OF_UPDATE: TargetKey = TargetKey::Nanoseconds(|targets| targets.config_update_ns);

pub(super) fn benches() -> Vec<Bench> {
    let code = |make| Subject::Code { operations: TIMES, make };
    let beside = |bare, make| Subject::Beside { operations: TIMES, bare, make };
    vec![
        bench("config_decode", "13 bytes to all their fields", None, code(|| repeat(|_| decode()))),
        bench("config_encode", "fields to 13 bytes", None, code(|| repeat(encode))),
        bench("config_slot_encode", "a slot of 32 bytes with its CRC-64", None, code(|| repeat(slot_encode))),
        bench(
            "config_slot_decode",
            "a slot, its CRC-64 checked",
            Some(OF_SLOT),
            beside("its bytes copied", slot_decode),
        ),
        bench(
            "config_frame_decode",
            "a frame of 14 bytes, its CRC-8 and ranges checked",
            Some(OF_FRAME),
            beside("its bytes copied", frame_decode),
        ),
        bench("config_update", "a slot chosen, written into the 64 bytes, read back", Some(OF_UPDATE), code(update)),
    ]
}

fn repeat(operation: fn(u64) -> u64) -> Batch {
    Box::new(move || (0..TIMES).fold(0, |sum, time| mix(sum, operation(black_box(time)))))
}

fn decode() -> u64 {
    let config = Config::from_bytes(black_box(BYTES));
    let mode = config.terminal_mode().map_or(9, |mode| mode as u64);
    let small = [config.version(), config.rows(), config.cols(), config.reserved()].map(u64::from);
    small.iter().sum::<u64>() + u64::from(config.registry_hash()) + u64::from(config.flags().0) + mode
}

fn encode(time: u64) -> u64 {
    let config = black_box(Config::new())
        .with_registry_hash(time as u32)
        .with_flags(Flags::METRICS.with(Flags::LOGGING, true))
        .with_terminal_mode(TerminalMode::One)
        .with_size(time as u8, 80);
    sum_of(&black_box(config.to_bytes()))
}

fn slot_encode(time: u64) -> u64 {
    // A constant record would have half of its checksum computed by the compiler.
    let config = Config::from_bytes(black_box(BYTES));
    sum_of(&black_box(Slot { config, sequence: time }.encode())[24..])
}

fn slot_decode() -> Result<Pair, Failure> {
    let slots: Vec<[u8; SLOT_BYTES]> =
        (1..=TIMES).map(|sequence| Slot { config: Config::from_bytes(BYTES), sequence }.encode()).collect();
    let work = |bytes: &[u8; SLOT_BYTES]| Slot::decode(*bytes).map_or(0, |slot| slot.sequence);
    let bare = |bytes: &[u8; SLOT_BYTES]| black_box(*bytes).last().copied().map_or(0, u64::from);
    Ok(Pair { work: each(slots.clone(), work), bare: each(slots, bare) })
}

fn frame_decode() -> Result<Pair, Failure> {
    let frame = |time| Frame::Feature { bit: (time % 32) as u8, on: time % 2 == 0 }.encode();
    let frames: Vec<[u8; FRAME_BYTES]> = (0..TIMES).map(frame).collect();
    let work = |bytes: &[u8; FRAME_BYTES]| u64::from(black_box(Frame::decode(bytes)).is_ok());
    let bare = |bytes: &[u8; FRAME_BYTES]| black_box(*bytes).last().copied().map_or(0, u64::from);
    Ok(Pair { work: each(frames.clone(), work), bare: each(frames, bare) })
}

/// An operation on each of these; what it comes to is added up, which costs less than anything here.
fn each<const N: usize>(all: Vec<[u8; N]>, operation: impl Fn(&[u8; N]) -> u64 + 'static) -> FallibleBatch {
    Box::new(move || Ok(all.iter().fold(0, |sum: u64, bytes| sum.wrapping_add(operation(black_box(bytes))))))
}

/// The same updates of a fresh file in each batch.
fn update() -> Batch {
    Box::new(|| {
        let mut image = Image::new(Config::from_bytes(BYTES));
        let mut sum = 0;
        for time in 0..TIMES {
            sum = mix(sum, updated(&mut image, time).unwrap_or(0));
        }
        sum
    })
}

/// What a writer and then a reader of the file do; the sequence and hash that are read.
fn updated(image: &mut Image, time: u64) -> Result<u64, slot::Refusal> {
    let config = Config::from_bytes(black_box(BYTES)).with_registry_hash(time as u32);
    let (index, bytes) = image.update(config)?;
    let mut file = image.to_bytes();
    file[index * SLOT_BYTES..][..SLOT_BYTES].copy_from_slice(&bytes);
    *image = Image::from_bytes(black_box(file));
    let read = image.current();
    Ok(read.map_or(0, |slot| slot.sequence << 32 | u64::from(slot.config.registry_hash())))
}

fn sum_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum: u64, &byte| sum.rotate_left(8) ^ u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_what_is_read_back() {
        let mut image = Image::new(Config::from_bytes(BYTES));
        for time in 0..5 {
            assert_eq!(updated(&mut image, time), Ok((time + 2) << 32 | time));
        }
    }
}
