//! Header maps as they cross the ABI: a count, the lengths of each name and
//! value, then the names and values themselves, each with a NUL after it. All
//! numbers are 32 bits, little endian.

/// The pairs in a serialized map. It ends early where the bytes do.
pub(super) fn pairs(map: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let (lengths, data) = split(map).unwrap_or_default();
    lengths.iter().scan(data, |rest, lengths| {
        let (name, value) = lengths.split_at_checked(4)?;
        let name = take(rest, name)?;
        let value = take(rest, value)?;
        Some((name, value))
    })
}

/// The serialized form of a map.
pub(super) fn serialize<'h>(headers: impl Iterator<Item = (&'h str, &'h str)> + Clone) -> Vec<u8> {
    let mut map = Vec::new();
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

/// The lengths, two for each pair, and what follows them.
fn split(map: &[u8]) -> Option<(&[[u8; 8]], &[u8])> {
    let (count, rest) = map.split_first_chunk()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    let (lengths, data) = rest.split_at_checked(count.checked_mul(8)?)?;
    Some((lengths.as_chunks().0, data))
}

/// Takes one text of this length, and the NUL after it, off the front.
fn take<'m>(rest: &mut &'m [u8], length: &[u8]) -> Option<&'m [u8]> {
    let length = usize::try_from(u32::from_le_bytes(*length.first_chunk()?)).ok()?;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after.split_first()?.1;
    Some(text)
}

/// Our own headers are a few short ones: their lengths fit.
fn push_length(map: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    map.extend_from_slice(&length.to_le_bytes());
}
