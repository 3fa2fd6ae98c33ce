//! The table of clients, and the plan that it and `plan_from` give a caller.

use std::rc::Rc;

use std::collections::BTreeMap;
use std::iter;
use std::net::IpAddr;

use proptest::prelude::*;
use sha2::Sha256;
use tollgate::client::{
    plan_of, AlreadyListed, ClientFrom, ClientId, Clients, Credential, CredentialPlace, Digest,
    Found, Kind, Listed, Missing, PathParams, Plan, PlanFrom, PlanIndex, PlanSource, Source,
};
use tollgate::request::{AttributePath, Request};

/// A request with headers, and attributes of one segment each.
#[derive(Default)]
struct Asking {
    headers: Vec<(&'static str, Vec<u8>)>,
    attributes: BTreeMap<&'static str, &'static str>,
}

// === impl Asking ===

impl Request for Asking {
    fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.headers.iter();
        let lines = lines.filter(move |(found, _)| *found == name);
        lines.map(|(_, value)| &value[..])
    }

    fn attribute(&self, path: &AttributePath) -> Option<Vec<u8>> {
        self.attributes
            .get(path.as_str())
            .map(|value| value.as_bytes().to_vec())
    }
}

impl PathParams for Asking {
    fn path_param(&self, _name: &str) -> Option<&[u8]> {
        None
    }
}

/// SHA-256 as a configuration has it.
fn hex(id: &[u8]) -> String {
    use sha2::Digest as _;
    Sha256::digest(id)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn digest(id: &[u8]) -> Digest {
    Digest::parse(&hex(id)).unwrap()
}

fn credential(id: &[u8]) -> ClientId {
    ClientId::of(Kind::Credential, b"", id)
}

fn table<const N: usize>(entries: [(Listed, Option<usize>); N]) -> Clients {
    let mut clients = Clients::default();
    for (client, plan) in entries {
        clients.add(client, plan.map(PlanIndex)).unwrap();
    }
    clients
}

fn header(known: bool) -> Source {
    let place = CredentialPlace::Header {
        name: "key".into(),
        strip: None,
    };
    Source::Credential(Credential { place, known })
}

#[test]
fn an_id_is_listed_by_itself_or_by_its_hash() {
    let clients = table([
        (Listed::Credential(b"alice"[..].into()), Some(0)),
        (Listed::Hashed(digest(b"bob\xff")), Some(1)),
        (Listed::Credential(b"carol"[..].into()), None),
    ]);
    for (id, known, plan) in [
        (&b"alice"[..], true, Some(PlanIndex(0))),
        (b"bob\xff", true, Some(PlanIndex(1))),
        (b"carol", true, None),
        (b"Alice", false, None),
        (b"bob", false, None),
        (b"", false, None),
        // No client can show that it knows a digest, which is no secret.
        (hex(b"bob\xff").as_bytes(), false, None),
        (
            format!("sha256:{}", hex(b"bob\xff")).as_bytes(),
            false,
            None,
        ),
    ] {
        assert_eq!(clients.knows(id), known, "{id:?}");
        assert_eq!(clients.plan(&credential(id)), plan, "{id:?}");
    }
    assert_eq!(clients.len(), 3);
}

/// Two entries for one client would leave it to chance which one counts.
#[test]
fn each_client_is_listed_once() {
    let mut clients = Clients::default();
    let ip = ClientId::of_ip(IpAddr::from([10, 0, 0, 1]));
    for client in [
        Listed::Credential(b"a"[..].into()),
        Listed::Hashed(digest(b"b")),
        Listed::Other(ip.clone()),
    ] {
        assert_eq!(clients.add(client.clone(), Some(PlanIndex(7))), Ok(()));
        assert_eq!(clients.add(client, None), Err(AlreadyListed));
    }
    for id in [credential(b"a"), credential(b"b"), ip] {
        assert_eq!(clients.plan(&id), Some(PlanIndex(7)));
    }
    assert!(clients.knows_hash_of(b"b") && !clients.knows_hash_of(b"a"));
}

#[test]
fn of_several_parts_the_first_with_a_plan_counts() {
    let claim = ClientId::of(Kind::JwtClaim, b"sub", b"alice");
    let clients = table([
        (Listed::Credential(b"known"[..].into()), None),
        (Listed::Credential(b"pro"[..].into()), Some(0)),
        (Listed::Other(claim.clone()), Some(1)),
    ]);
    let from = |parts: &[Source], key: &str| {
        let sources = vec![Source::All(parts.to_vec())];
        let missing = Missing::Deny;
        let request = Asking {
            headers: vec![("key", key.into())],
            attributes: BTreeMap::from([("sub", "alice")]),
        };
        match (ClientFrom { sources, missing }).find(&request, &request, &clients) {
            Found::Client(id) => clients.plan(&id),
            other => panic!("{other:?}"),
        }
    };
    let sub = Source::JwtClaim {
        claim: "sub".into(),
        attribute: AttributePath::new(["sub"]),
    };
    let azp = Source::JwtClaim {
        claim: "azp".into(),
        attribute: AttributePath::new(["sub"]),
    };
    let key = header(false);
    assert_eq!(from(&[key.clone(), sub.clone()], "pro"), Some(PlanIndex(0)));
    assert_eq!(from(&[sub.clone(), key.clone()], "pro"), Some(PlanIndex(1)));
    assert_eq!(from(&[key.clone(), sub], "known"), Some(PlanIndex(1)));
    assert_eq!(from(&[key.clone(), azp], "known"), None);
    assert_eq!(from(&[key], "nobody"), None);
    assert_eq!(clients.plan(&ClientId::nobody()), None);
}

#[test]
fn the_table_comes_first_then_the_first_source_that_yields() {
    let clients = table([
        (Listed::Credential(b"on pro"[..].into()), Some(1)),
        (Listed::Credential(b"known"[..].into()), None),
    ]);
    let names: [Rc<str>; 2] = ["free".into(), "pro".into()];
    let attribute = |name| PlanSource::Attribute(AttributePath::new([name]));
    let from = PlanFrom {
        sources: vec![attribute("claim"), attribute("route")],
    };
    let with_default = PlanFrom {
        sources: vec![attribute("claim"), PlanSource::Constant("free".into())],
    };
    let (free, pro) = (Plan::Of(PlanIndex(0)), Plan::Of(PlanIndex(1)));
    for (caller, attributes, expected, or_default) in [
        (Some("on pro"), &[("claim", "free")][..], pro, pro),
        (Some("known"), &[("claim", "pro")], pro, pro),
        (None, &[("claim", "pro")], pro, pro),
        (Some("other"), &[], Plan::None, free),
        (None, &[], Plan::None, free),
        (None, &[("claim", ""), ("route", "pro")], pro, free),
        (None, &[("claim", "free"), ("route", "pro")], free, free),
        // An unknown name is no reason to ask on.
        (
            None,
            &[("claim", "gold"), ("route", "pro")],
            Plan::Unknown,
            Plan::Unknown,
        ),
        (None, &[("claim", "Free")], Plan::Unknown, Plan::Unknown),
    ] {
        let request = Asking {
            attributes: attributes.iter().copied().collect(),
            ..Asking::default()
        };
        let caller = caller.map(|id| credential(id.as_bytes()));
        for (from, expected) in [(&from, expected), (&with_default, or_default)] {
            assert_eq!(
                plan_of(caller.as_ref(), &request, &clients, from, &names),
                expected,
                "{caller:?} {attributes:?}"
            );
        }
    }
}

/// What stands in the configuration under `sha256:`, against sha256sum.
#[test]
fn a_digest_is_64_digits_in_either_case() {
    let alice = "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90";
    assert_eq!(Digest::parse(alice), Some(Digest::of(b"alice")));
    assert_eq!(Digest::parse(&alice.to_uppercase()), Digest::parse(alice));
    for wrong in [
        "",
        alice.trim_start_matches('2'),
        &format!("{alice}0"),
        &format!("{alice}00"),
        &alice.replace('f', "g"),
        &alice.replace("2b", "+b"),
        &alice.replace("2b", "é"),
    ] {
        assert_eq!(Digest::parse(wrong), None, "{wrong}");
    }
}

proptest! {
    /// A credential, whatever bytes it is, is only ever what is listed as one.
    #[test]
    fn a_credential_never_meets_an_entry_of_another_kind(
        kind in prop::sample::select(vec![Kind::Nobody, Kind::Ip, Kind::JwtClaim, Kind::Property, Kind::PathParam, Kind::Constant]),
        name in prop::collection::vec(any::<u8>(), 0..3),
        value in prop::collection::vec(any::<u8>(), 0..5),
        more in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let listed = ClientId::of(kind, &name, &value);
        let clients = table([(Listed::Other(listed.clone()), Some(0))]);
        prop_assert_eq!(clients.plan(&listed), Some(PlanIndex(0)));
        for posing in [&value[..], listed.as_bytes(), &more] {
            prop_assert!(!clients.knows(posing));
            prop_assert_eq!(clients.plan(&credential(posing)), None);
        }
    }

    /// As a plain list and a map would say it.
    #[test]
    fn the_table_knows_what_was_put_in(
        ids in prop::collection::btree_map("[a-c]{1,3}", (any::<bool>(), prop::option::of(0_usize..3)), 0..20),
        asked in "[a-c]{1,3}",
    ) {
        let mut clients = Clients::default();
        for (id, (hashed, plan)) in &ids {
            let client = match hashed {
                true => Listed::Hashed(digest(id.as_bytes())),
                false => Listed::Credential(id.as_bytes().into()),
            };
            prop_assert_eq!(clients.add(client, plan.map(PlanIndex)), Ok(()));
        }
        for id in ids.keys().chain(iter::once(&asked)) {
            let expected = ids.get(id);
            prop_assert_eq!(clients.knows(id.as_bytes()), expected.is_some());
            let plan = expected.and_then(|(_, plan)| *plan).map(PlanIndex);
            prop_assert_eq!(clients.plan(&credential(id.as_bytes())), plan);
        }
    }
}
