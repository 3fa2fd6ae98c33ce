//! Sources as text, which keys in Redis are made of.

use proptest::prelude::*;
use tollgate::client::{ClientFrom, Credential, CredentialPlace, Missing, Prefixes, Source};
use tollgate::request::AttributePath;

fn text(sources: Vec<Source>, missing: Missing) -> String {
    ClientFrom { sources, missing }.signature().to_string()
}

fn credential(place: CredentialPlace, known: bool) -> Source {
    Source::Credential(Credential { place, known })
}

fn header(name: &str, strip: Option<&str>, known: bool) -> Source {
    let place = CredentialPlace::Header {
        name: name.into(),
        strip: strip.map(Into::into),
    };
    credential(place, known)
}

/// Pinned: keys in Redis outlive a build, and with another text for the same
/// sources an update would give every client a full bucket.
#[test]
fn the_texts_stay_the_same_from_build_to_build() {
    let attribute = |segments: &[&str]| AttributePath::new(segments.iter().copied());
    for (source, expected) in [
        (header("x-api-key", None, false), "header 9:x-api-key"),
        (
            header("authorization", Some("Bearer "), true),
            "header 13:authorization strip 7:Bearer  known",
        ),
        (
            credential(CredentialPlace::Query("key".into()), false),
            "query 3:key",
        ),
        (
            credential(CredentialPlace::Cookie("session".into()), true),
            "cookie 7:session known",
        ),
        (Source::Ip(Prefixes::default()), "ip 32/64"),
        (
            Source::JwtClaim {
                claim: "org\0id".into(),
                attribute: attribute(&["metadata", "p", "org", "id"]),
            },
            "jwt_claim 6:org\0id in 17:metadata\0p\0org\0id",
        ),
        (
            Source::Property(attribute(&["connection", "id"])),
            "property 13:connection\0id",
        ),
        (Source::PathParam("model".into()), "path_param 5:model"),
        (Source::Constant("é".into()), "constant 2:é"),
        (
            Source::All(vec![
                Source::PathParam("a".into()),
                Source::All(vec![Source::Constant("b".into())]),
            ]),
            "all[2 path_param 1:a all[1 constant 1:b",
        ),
    ] {
        let one = text(vec![source.clone()], Missing::Shared);
        assert_eq!(one, format!("[1 {expected}"));
        // What a request without a client meets is not part of whose state it is.
        for missing in [Missing::Deny, Missing::Unlimited] {
            assert_eq!(text(vec![source.clone()], missing), one);
        }
    }
    assert_eq!(text(Vec::new(), Missing::Shared), "[0");
}

/// Texts that look like parts of other signatures.
fn word() -> impl Strategy<Value = Box<str>> {
    prop_oneof![
        "[a:0 ]{0,3}",
        prop::sample::select(vec![
            " known",
            "a known",
            "a strip 1:b",
            "1:a",
            "",
            " ip 32/64",
            "a query 1:b",
            "\0",
            " all[1",
            "a in 1:b",
            "[1",
        ])
        .prop_map(str::to_owned),
    ]
    .prop_map(Into::into)
}

fn source() -> impl Strategy<Value = Source> {
    let attribute = || word().prop_map(|word| AttributePath::new([&*word]));
    let place = prop_oneof![
        (word(), prop::option::of(word()))
            .prop_map(|(name, strip)| CredentialPlace::Header { name, strip }),
        word().prop_map(CredentialPlace::Query),
        word().prop_map(CredentialPlace::Cookie),
    ];
    let leaf = prop_oneof![
        4 => (place, any::<bool>()).prop_map(|(place, known)| credential(place, known)),
        1 => (1_u8..4, 1_u8..4).prop_map(|(ipv4, ipv6)| Source::Ip(Prefixes { ipv4, ipv6 })),
        1 => (word(), attribute())
            .prop_map(|(claim, attribute)| Source::JwtClaim { claim, attribute }),
        1 => attribute().prop_map(Source::Property),
        1 => word().prop_map(Source::PathParam),
        1 => word().prop_map(Source::Constant),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop::collection::vec(inner, 0..3).prop_map(Source::All)
    })
}

fn sources() -> impl Strategy<Value = Vec<Source>> {
    prop::collection::vec(source(), 0..4)
}

/// Reads a signature back: what can be read in one way only, no two sources share.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn eat(&mut self, token: &str) -> bool {
        let rest = self.0.strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn number(&mut self) -> usize {
        let digits = self.0.find(|c: char| !c.is_ascii_digit());
        let (number, rest) = self.0.split_at(digits.unwrap_or(self.0.len()));
        self.0 = rest;
        number.parse().unwrap()
    }

    fn text(&mut self) -> &'a str {
        let length = self.number();
        assert!(self.eat(":"));
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        text
    }

    fn list(&mut self) -> Vec<Source> {
        assert!(self.eat("["));
        (0..self.number()).map(|_| self.source()).collect()
    }

    fn source(&mut self) -> Source {
        let place = if self.eat(" header ") {
            let name = self.text().into();
            let strip = self.eat(" strip ").then(|| self.text().into());
            CredentialPlace::Header { name, strip }
        } else if self.eat(" query ") {
            CredentialPlace::Query(self.text().into())
        } else if self.eat(" cookie ") {
            CredentialPlace::Cookie(self.text().into())
        } else {
            return self.other();
        };
        let known = self.eat(" known");
        credential(place, known)
    }

    fn other(&mut self) -> Source {
        if self.eat(" ip ") {
            let ipv4 = self.number().try_into().unwrap();
            assert!(self.eat("/"));
            let ipv6 = self.number().try_into().unwrap();
            return Source::Ip(Prefixes { ipv4, ipv6 });
        }
        if self.eat(" jwt_claim ") {
            let claim = self.text().into();
            assert!(self.eat(" in "));
            let attribute = AttributePath::new([self.text()]);
            return Source::JwtClaim { claim, attribute };
        }
        if self.eat(" property ") {
            return Source::Property(AttributePath::new([self.text()]));
        }
        if self.eat(" path_param ") {
            return Source::PathParam(self.text().into());
        }
        if self.eat(" constant ") {
            return Source::Constant(self.text().into());
        }
        assert!(self.eat(" all"), "{}", self.0);
        Source::All(self.list())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Two clients' buckets would be one, if two lists of sources read alike.
    #[test]
    fn different_sources_never_read_alike(a in sources(), b in sources()) {
        let read = |sources: &[Source]| text(sources.to_vec(), Missing::Shared);
        prop_assert_eq!(read(&a) == read(&b), a == b);
        let signature = read(&a);
        let mut reader = Reader(&signature);
        prop_assert_eq!(reader.list(), a);
        prop_assert_eq!(reader.0, "");
    }
}
