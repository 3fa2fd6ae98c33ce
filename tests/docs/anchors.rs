//! GitHub's names for headings: small letters, spaces as hyphens, without punctuation, and
//! a number behind those that are there again.

use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct Anchors {
    seen: BTreeMap<String, usize>,
}

impl Anchors {
    pub(crate) fn of(&mut self, heading: &str) -> String {
        let kept = heading.trim().to_lowercase();
        let kept = kept
            .chars()
            .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        let anchor: String = kept
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect();
        let again = self.seen.entry(anchor.clone()).or_default();
        *again += 1;
        match *again {
            1 => anchor,
            more => format!("{anchor}-{}", more - 1),
        }
    }
}

#[test]
fn anchors_are_those_of_github() {
    let mut anchors = Anchors::default();
    for (heading, expected) in [
        ("A 429", "a-429"),
        ("tokens of a route", "tokens-of-a-route"),
        ("What is different, and why?", "what-is-different-and-why"),
        ("X-Forwarded-For / max_body", "x-forwarded-for--max_body"),
        ("A 429", "a-429-1"),
        ("A 429", "a-429-2"),
    ] {
        assert_eq!(anchors.of(heading), expected);
    }
}
