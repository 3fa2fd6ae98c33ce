//! Attributes that are objects, such as a claim that is one.
//!
//! Envoy writes an object's members in an order that is another one at each
//! reading. As an id, that would make each request a client of its own. So the
//! members are put in order. Nothing tells an object's bytes from a text's, but
//! no text of letters and digits reads as one, and of two that did, one client
//! would be made at worst.

use std::borrow::Cow;

/// Envoy reads no JSON that is deeper than 100 objects.
const MAX_DEPTH: u32 = 128;

/// The same value, an object's members in order.
pub(crate) fn ordered(value: Vec<u8>) -> Vec<u8> {
    in_order(&value, MAX_DEPTH).unwrap_or(value)
}

/// `None` where this is no object.
fn in_order(value: &[u8], depth: u32) -> Option<Vec<u8>> {
    let depth = depth.checked_sub(1)?;
    let (count, _) = value.split_first_chunk::<4>()?;
    let texts = texts(value)?;
    let (members, []) = texts.as_chunks() else {
        return None;
    };
    let mut members: Vec<(&[u8], Cow<'_, [u8]>)> = members
        .iter()
        .map(|[name, value]| match in_order(value, depth) {
            Some(object) => (*name, object.into()),
            None => (*name, (*value).into()),
        })
        .collect();
    members.sort_unstable();
    let texts = || members.iter().flat_map(|(name, value)| [*name, &**value]);
    let mut ordered = count.to_vec();
    for text in texts() {
        // None is longer than it was.
        let length = u32::try_from(text.len()).ok()?;
        ordered.extend_from_slice(&length.to_le_bytes());
    }
    for text in texts() {
        ordered.extend_from_slice(text);
        ordered.push(0);
    }
    Some(ordered)
}

/// The names and values by turns: after their number and the length of each, the
/// bytes of each with a NUL.
fn texts(value: &[u8]) -> Option<Vec<&[u8]>> {
    let (count, rest) = value.split_first_chunk()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    let (lengths, mut data) = rest.split_at_checked(count.checked_mul(8)?)?;
    let mut texts = Vec::new();
    for length in lengths.as_chunks().0 {
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (text, after) = data.split_at_checked(length)?;
        data = after.strip_prefix(&[0])?;
        texts.push(text);
    }
    data.is_empty().then_some(texts)
}
