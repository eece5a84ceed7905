//! Deflate (RFC 1951) as plainly as it can be read, to compare with: a bit at a time, codes looked up in a
//! list. It knows what is whole, and how far back references may go.

/// What came of a payload.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Whole(Vec<u8>),
    /// It is not whole blocks, the last of them is not the empty one that the tail ends, or a reference goes back
    /// further than it may.
    Broken,
    /// A final block, which is not for here.
    Final,
}

/// What a payload, its tail appended, unfolds to behind `history`.
pub(super) fn unfold(payload: &[u8], history: &[u8], window: usize) -> Seen {
    let whole = [payload, &[0, 0, 0xff, 0xff]].concat();
    let mut bits = Bits { bytes: &whole, at: 0 };
    let mut out = history.to_vec();
    loop {
        let before = out.len();
        match bits.take(3) {
            Some(header) if header & 1 == 1 => return Seen::Final,
            Some(header) if block(header >> 1, &mut bits, window, &mut out).is_some() => {
                if bits.at == whole.len() * 8 {
                    let is_empty = header == 0 && out.len() == before;
                    return if is_empty { Seen::Whole(out.split_off(history.len())) } else { Seen::Broken };
                }
            }
            _ => return Seen::Broken,
        }
    }
}

fn block(kind: usize, bits: &mut Bits<'_>, window: usize, out: &mut Vec<u8>) -> Option<()> {
    match kind {
        0 => {
            bits.at = bits.at.next_multiple_of(8);
            let (len, not) = (bits.take(16)?, bits.take(16)?);
            for _ in 0..if len ^ not == 0xffff { len } else { return None } {
                out.push(bits.take(8)? as u8);
            }
            Some(())
        }
        1 => codes(bits, &fixed_lengths(), &[5; 30], window, out),
        2 => {
            let (lengths, distances) = dynamic_lengths(bits)?;
            codes(bits, &lengths, &distances, window, out)
        }
        _ => None,
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<usize> {
        let mut value = 0;
        for index in 0..count {
            let byte = *self.bytes.get(self.at / 8)?;
            value |= usize::from(byte >> (self.at % 8) & 1) << index;
            self.at += 1;
        }
        Some(value)
    }

    /// A symbol of the code whose lengths these are (§3.2.2).
    fn symbol(&mut self, lengths: &[u8]) -> Option<usize> {
        let (mut code, mut first) = (0, 0);
        for length in 1..=15 {
            code = code << 1 | self.take(1)?;
            let count = lengths.iter().filter(|&&of| of == length).count();
            if code < first + count {
                return (0..lengths.len()).filter(|&index| lengths[index] == length).nth(code - first);
            }
            first = (first + count) << 1;
        }
        None
    }
}

fn fixed_lengths() -> Vec<u8> {
    (0..288)
        .map(|symbol| [8, 9, 7, 8][usize::from(symbol > 143) + usize::from(symbol > 255) + usize::from(symbol > 279)])
        .collect()
}

fn dynamic_lengths(bits: &mut Bits<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let (literals, distances, count) = (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    let mut of_lengths = [0; 19];
    for &index in &ORDER[..count] {
        of_lengths[index] = bits.take(3)? as u8;
    }
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (value, times) = match bits.symbol(&of_lengths)? {
            16 => (*lengths.last()?, bits.take(2)? + 3),
            17 => (0, bits.take(3)? + 3),
            18 => (0, bits.take(7)? + 11),
            length => (length as u8, 1),
        };
        lengths.extend(vec![value; times]);
    }
    let of_distances = lengths.split_off(literals);
    (of_distances.len() == distances).then_some((lengths, of_distances))
}

/// §3.2.5
fn codes(bits: &mut Bits<'_>, lengths: &[u8], distances: &[u8], window: usize, out: &mut Vec<u8>) -> Option<()> {
    loop {
        match bits.symbol(lengths)? {
            literal @ 0..=255 => out.push(literal as u8),
            256 => return Some(()),
            symbol @ 257..=285 => {
                let length = match symbol - 257 {
                    short @ 0..=7 => short + 3,
                    28 => 258,
                    long => ((4 + long % 4) << (long / 4 - 1)) + 3 + bits.take(long / 4 - 1)?,
                };
                let distance = match bits.symbol(distances)? {
                    near @ 0..=3 => near + 1,
                    far @ 4..=29 => ((2 + far % 2) << (far / 2 - 1)) + 1 + bits.take(far / 2 - 1)?,
                    _ => return None,
                };
                if distance > out.len().min(window) {
                    return None;
                }
                for _ in 0..length {
                    out.push(out[out.len() - distance]);
                }
            }
            _ => return None,
        }
    }
}
