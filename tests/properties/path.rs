//! All spellings of a path are one path.

use proptest::prelude::*;
use tollgate::route::{InvalidTemplate, NormalPath, Template};

/// How one byte of a path may be written.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    Plain,
    LowerEscape,
    UpperEscape,
}

/// What may stand between two segments and mean nothing.
const NOTHINGS: [&str; 6] = ["", "/.", "/%2e", "/x/..", "/a/b/../%2E.", "/"];

fn spelled(byte: u8, spelling: Spelling) -> String {
    match spelling {
        Spelling::LowerEscape => format!("%{byte:02x}"),
        Spelling::UpperEscape => format!("%{byte:02X}"),
        // What may not stand plain in a path.
        Spelling::Plain if !byte.is_ascii_graphic() || b"%?#\\/".contains(&byte) => {
            format!("%{byte:02x}")
        }
        Spelling::Plain => char::from(byte).to_string(),
    }
}

fn any_spelling() -> impl Strategy<Value = Spelling> {
    prop::sample::select(vec![
        Spelling::Plain,
        Spelling::LowerEscape,
        Spelling::UpperEscape,
    ])
}

/// A segment of any bytes but those that hide where it ends, with a spelling.
fn segment() -> impl Strategy<Value = (Vec<u8>, Vec<Spelling>)> {
    let byte = any::<u8>().prop_filter("hides a segment's end", |byte| !b"/\\\0".contains(byte));
    let bytes = prop::collection::vec(byte, 1..6)
        .prop_filter("a dot segment", |bytes| bytes != b"." && bytes != b"..");
    (bytes, prop::collection::vec(any_spelling(), 6))
}

#[test]
fn a_variables_name_has_at_most_64_characters() {
    let (longest, longer) = ("n".repeat(64), "n".repeat(65));
    for tail in ["", "=**"] {
        let parse = |name: &str| Template::parse(&format!("/v1/{{{name}{tail}}}"));
        assert!(parse(&longest).is_ok(), "{tail}");
        assert_eq!(parse(&longer), Err(InvalidTemplate::Name), "{tail}");
    }
}

proptest! {
    #[test]
    fn every_spelling_has_the_same_normal_form(
        segments in prop::collection::vec((segment(), prop::sample::select(&NOTHINGS[..])), 1..5),
        end in prop::sample::select(&["", "/", "/.", "//", "?a=/../b", "#/.."][..]),
    ) {
        let (mut plain, mut written) = (Vec::new(), String::new());
        for ((bytes, spellings), nothing) in &segments {
            written.push_str(nothing);
            written.push('/');
            plain.push(b'/');
            plain.extend(bytes);
            for (byte, spelling) in bytes.iter().zip(spellings) {
                written.push_str(&spelled(*byte, *spelling));
            }
        }
        written.push_str(end);
        match NormalPath::of(written.as_bytes()) {
            NormalPath::Normal { path, as_written } => {
                prop_assert_eq!(&path[..], &plain[..], "{}", written);
                let cut = written.split(['?', '#']).next().unwrap();
                prop_assert_eq!(as_written, cut.as_bytes() == plain);
            }
            // An empty segment before `..`: that is refused, never misread.
            NormalPath::Ambiguous => {
                let empty_first = segments.windows(2).any(|pair| pair[0].1 == "/" || pair[1].1 == "/");
                prop_assert!(empty_first || segments[0].1 == "/", "{}", written);
            }
        }
    }

    #[test]
    fn any_bytes_have_a_normal_form_or_none(path in prop::collection::vec(any::<u8>(), 0..60)) {
        if let NormalPath::Normal { path: normal, .. } = NormalPath::of(&path) {
            prop_assert!(normal.starts_with(b"/"));
            prop_assert!(!normal.windows(2).any(|pair| pair == b"//"));
            prop_assert!(normal.len() == 1 || !normal.ends_with(b"/"));
        }
    }

    #[test]
    fn a_template_finds_what_was_put_in(model in "[a-z0-9:._%-]{1,12}", tail in "[a-z]{1,5}(/[a-z]{1,5}){0,3}") {
        let template = Template::parse("/v1/m-{model}:predict/{rest=**}").unwrap();
        let path = format!("/v1/m-{model}:predict/{tail}");
        prop_assert!(template.matches(path.as_bytes()));
        prop_assert_eq!(template.variable("model", path.as_bytes()), Some(model.as_bytes()));
        prop_assert_eq!(template.variable("rest", path.as_bytes()), Some(tail.as_bytes()));
    }

    #[test]
    fn any_text_is_a_template_or_none(text in "[/a-z{}=*.%?:\\\\]{0,24}") {
        if let Ok(template) = Template::parse(&text) {
            template.matches(text.as_bytes());
            for name in template.variables() {
                template.variable(name, text.as_bytes());
            }
        }
    }
}
