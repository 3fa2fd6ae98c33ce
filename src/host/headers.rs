//! Header maps as they cross the ABI: a count, the lengths of each name and
//! value, then the names and values themselves, each with a NUL after it. All
//! numbers are 32 bits, little endian.

use std::slice;

/// Bytes of a serialized map beside those of its texts: for all, and for each pair.
const COUNT: usize = 4;
const LENGTHS_AND_NULS: usize = 10;

/// The pairs in a serialized map that are still to come.
struct Pairs<'m> {
    lengths: slice::Iter<'m, [u8; 8]>,
    data: &'m [u8],
    next: u64,
}

/// A pair: where it begins, and the lengths of both.
struct Pair<'m> {
    data: &'m [u8],
    begin: u64,
    name: u32,
    value: u32,
}

/// The pairs in a serialized map, but for any that the bytes do not have.
pub(super) fn pairs(map: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    Pairs::of(map).filter_map(|pair| Some((pair.name()?, pair.value()?)))
}

/// The values of this name, likewise. Most other names differ in their length already,
/// and are not read.
pub(super) fn values<'m>(map: &'m [u8], name: &'m str) -> impl Iterator<Item = &'m [u8]> {
    Pairs::of(map)
        .filter(move |pair| pair.name as usize == name.len())
        .filter(move |pair| pair.name() == Some(name.as_bytes()))
        .filter_map(|pair| pair.value())
}

/// The serialized form of a map.
pub(super) fn serialize<'h>(headers: impl Iterator<Item = (&'h str, &'h str)> + Clone) -> Vec<u8> {
    let size = |(name, value): (&str, &str)| {
        let texts = name.len().saturating_add(value.len());
        texts.saturating_add(LENGTHS_AND_NULS)
    };
    let sizes = headers.clone().map(size);
    let mut map = Vec::with_capacity(sizes.fold(COUNT, usize::saturating_add));
    push_length(&mut map, headers.clone().count());
    for (name, value) in headers.clone() {
        push_length(&mut map, name.len());
        push_length(&mut map, value.len());
    }
    for (name, value) in headers {
        for text in [name, value] {
            map.extend_from_slice(text.as_bytes());
            map.push(0);
        }
    }
    map
}

/// Our own headers are a few short ones: their lengths fit.
fn push_length(map: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    map.extend_from_slice(&length.to_le_bytes());
}

// === impl Pairs ===

impl<'m> Pairs<'m> {
    fn of(map: &'m [u8]) -> Self {
        let (lengths, data) = split(map).unwrap_or_default();
        Self {
            lengths: lengths.iter(),
            data,
            next: 0,
        }
    }
}

impl<'m> Iterator for Pairs<'m> {
    type Item = Pair<'m>;

    fn next(&mut self) -> Option<Pair<'m>> {
        let lengths = u64::from_le_bytes(*self.lengths.next()?);
        let pair = Pair {
            data: self.data,
            begin: self.next,
            name: lengths as u32,
            value: (lengths >> 32) as u32,
        };
        self.next = pair
            .value_begin()
            .wrapping_add(pair.value.into())
            .wrapping_add(1);
        Some(pair)
    }
}

// === impl Pair ===

impl<'m> Pair<'m> {
    fn name(&self) -> Option<&'m [u8]> {
        text(self.data, self.begin, self.name)
    }

    fn value(&self) -> Option<&'m [u8]> {
        text(self.data, self.value_begin(), self.value)
    }

    // So many lengths of 32 bits as memory can hold have a sum of 64.
    fn value_begin(&self) -> u64 {
        self.begin.wrapping_add(self.name.into()).wrapping_add(1)
    }
}

fn text(data: &[u8], begin: u64, length: u32) -> Option<&[u8]> {
    let rest = data.get(usize::try_from(begin).ok()?..)?;
    rest.get(..usize::try_from(length).ok()?)
}

/// The lengths, two for each pair, and what follows them.
fn split(map: &[u8]) -> Option<(&[[u8; 8]], &[u8])> {
    let (count, rest) = map.split_first_chunk()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    let (lengths, data) = rest.split_at_checked(count.checked_mul(8)?)?;
    Some((lengths.as_chunks().0, data))
}
