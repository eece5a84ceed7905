//! The field lines of a head: where each name and value stands in its bytes.
//!
//! Eight bytes a field, on the stack for the number that requests have; more are kept on the heap.

use alloc::vec::Vec;
use core::cell::{Cell, OnceCell};

use crate::limits::{HEAD_BYTES_MAX, HEADERS_MAX};

/// Fields noted without an allocation: more than browsers send.
const FEW: usize = 32;

const _: () = assert!(FEW <= HEADERS_MAX);
const _: () = assert!(HEAD_BYTES_MAX <= u16::MAX as usize); // an offset in a head fits

/// One field, by its offsets in the field lines of the head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Line {
    name_start: u16,
    name_end: u16,
    value_start: u16,
    value_end: u16,
}

impl Line {
    /// Offsets below [`HEAD_BYTES_MAX`].
    #[inline]
    pub(super) fn new(name_start: usize, name_end: usize, value_start: usize, value_end: usize) -> Self {
        debug_assert!(name_start <= name_end && name_end <= value_start && value_start <= value_end);
        debug_assert!(value_end <= HEAD_BYTES_MAX);
        Self {
            name_start: name_start as u16,
            name_end: name_end as u16,
            value_start: value_start as u16,
            value_end: value_end as u16,
        }
    }
}

/// Where the fields of one head are noted while it is looked at.
///
/// Cells, so that the short way may note into it and leave the head to the long one.
#[derive(Debug)]
pub struct Slots {
    few: Few,
    many: OnceCell<Vec<Cell<Line>>>,
}

/// Room for the fields that most requests have.
pub(super) type Few = [Cell<Line>; FEW];

/// Such room, empty.
#[inline]
pub(super) const fn few() -> Few {
    [const { Cell::new(Line { name_start: 0, name_end: 0, value_start: 0, value_end: 0 }) }; FEW]
}

/// Fresh slots; allocates nothing.
#[inline]
pub const fn slots() -> Slots {
    Slots { few: few(), many: OnceCell::new() }
}

impl Slots {
    /// Room for what most requests have.
    #[inline]
    pub(super) fn few(&self) -> &Few {
        &self.few
    }

    /// Notes as many as there are.
    pub(super) fn note(&self, lines: impl ExactSizeIterator<Item = Line>) -> &[Cell<Line>] {
        let count = lines.len();
        if count <= FEW {
            self.few.iter().zip(lines).for_each(|(slot, line)| slot.set(line));
            return &self.few[..count];
        }
        self.many.get_or_init(|| lines.map(Cell::new).collect())
    }
}

/// The fields of a head, in the order sent: `bytes` are its field lines.
#[derive(Debug, Clone, Copy)]
pub struct FieldLines<'b, 'h> {
    bytes: &'b [u8],
    lines: &'h [Cell<Line>],
}

impl<'b, 'h> FieldLines<'b, 'h> {
    #[inline]
    pub(super) fn new(bytes: &'b [u8], lines: &'h [Cell<Line>]) -> Self {
        Self { bytes, lines }
    }

    /// The value that stands at these offsets.
    #[inline]
    pub(super) fn at(&self, start: u16, end: u16) -> &'b [u8] {
        &self.bytes[usize::from(start)..usize::from(end)]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Names and values; values are without the blanks around them.
    pub fn iter(
        &self,
    ) -> impl ExactSizeIterator<Item = (&'b [u8], &'b [u8])> + DoubleEndedIterator + Clone + use<'b, 'h> {
        let bytes = self.bytes;
        self.lines.iter().map(move |line| (name(bytes, line.get()), value(bytes, line.get())))
    }

    /// The values of all fields of this name, in any case.
    pub fn named<'n>(&self, wanted: &'n str) -> impl DoubleEndedIterator<Item = &'b [u8]> + Clone + use<'b, 'h, 'n> {
        let bytes = self.bytes;
        // The length tells most names apart.
        let fits = move |line: &Line| usize::from(line.name_end - line.name_start) == wanted.len();
        let same = move |line: &Line| name(bytes, *line).eq_ignore_ascii_case(wanted.as_bytes());
        self.lines.iter().map(Cell::get).filter(fits).filter(same).map(move |line| value(bytes, line))
    }
}

fn name(bytes: &[u8], line: Line) -> &[u8] {
    &bytes[usize::from(line.name_start)..usize::from(line.name_end)]
}

fn value(bytes: &[u8], line: Line) -> &[u8] {
    &bytes[usize::from(line.value_start)..usize::from(line.value_end)]
}
