//! Bodies in chunks (RFC 9112, section 7.1), as strict as they must be where a byte too
//! many is another request.

/// A whole body and its length on the wire; `None` while it is not whole.
pub fn unchunked(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (body, length) = walk(bytes);
    Some((body, length?))
}

/// As much of a body as has come.
pub fn unchunked_so_far(bytes: &[u8]) -> Vec<u8> {
    walk(bytes).0
}

fn walk(bytes: &[u8]) -> (Vec<u8>, Option<usize>) {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let Some(line) = line(&bytes[at..]) else {
            return (body, None);
        };
        let text = std::str::from_utf8(line).expect("a chunk's size");
        let size = usize::from_str_radix(text, 16).expect("a chunk's size");
        at += line.len() + 2;
        if size == 0 {
            return match bytes.get(at..at + 2) {
                Some(end) => {
                    assert_eq!(end, b"\r\n", "trailers, or no end");
                    (body, Some(at + 2))
                }
                None => (body, None),
            };
        }
        let have = &bytes[at..bytes.len().min(at + size)];
        body.extend(have);
        if bytes.len() < at + size + 2 {
            return (body, None);
        }
        assert_eq!(&bytes[at + size..at + size + 2], b"\r\n", "a chunk's end");
        at += size + 2;
    }
}

fn line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.windows(2).position(|two| two == b"\r\n")?;
    Some(&bytes[..end])
}
