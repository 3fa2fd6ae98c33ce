//! Ids of clients.

use proptest::prelude::*;
use tollgate::client::{
    ClientFrom, ClientId, Clients, Credential, CredentialPlace, Found, Kind, Missing, PathParams,
    Prefixes, Source,
};
use tollgate::request::{AttributePath, Request};

/// A request that has one value in every place, and as its IPv4 address.
struct Everywhere([u8; 4]);

// === impl Everywhere ===

impl Request for Everywhere {
    fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        name.is_empty().then_some(&self.0[..]).into_iter()
    }

    fn attribute(&self, path: &AttributePath) -> Option<Vec<u8>> {
        let [a, b, c, d] = self.0;
        Some(if *path == AttributePath::SOURCE_ADDRESS {
            format!("{a}.{b}.{c}.{d}:80").into()
        } else {
            self.0.to_vec()
        })
    }
}

impl PathParams for Everywhere {
    fn path_param(&self, _name: &str) -> Option<&[u8]> {
        Some(&self.0)
    }
}

/// The variables of a path, named by their numbers.
struct Params(Vec<Vec<u8>>);

// === impl Params ===

impl PathParams for Params {
    fn path_param(&self, name: &str) -> Option<&[u8]> {
        Some(&self.0[name.parse::<usize>().unwrap()])
    }
}

fn id(source: Source, request: &Everywhere) -> ClientId {
    let from = ClientFrom {
        sources: vec![source],
        missing: Missing::Deny,
    };
    match from.find(request, request, &Clients::default()) {
        Found::Client(id) => id,
        other => panic!("{other:?}"),
    }
}

proptest! {
    /// Even without names, which no configuration leaves out.
    #[test]
    fn equal_values_of_different_kinds_are_different_clients(value in prop::array::uniform4(b' '..=b'~')) {
        let text = str::from_utf8(&value).unwrap();
        let attribute = || AttributePath::new([]);
        let header = CredentialPlace::Header { name: "".into(), strip: None };
        let kinds = [
            Source::Credential(Credential { place: header, known: false }),
            Source::Ip(Prefixes::default()),
            Source::JwtClaim { claim: "".into(), attribute: attribute() },
            Source::Property(attribute()),
            Source::PathParam("".into()),
            Source::Constant(text.into()),
        ];
        let mut ids = vec![ClientId::nobody()];
        for kind in kinds {
            let id = id(kind.clone(), &Everywhere(value));
            prop_assert!(!ids.contains(&id), "{:?} met another", kind);
            ids.push(id);
        }
    }

    /// Whatever bytes the values are, one cannot pose as several parts.
    #[test]
    fn the_parts_of_an_id_are_what_its_sources_yielded(
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..5),
    ) {
        let param = |index: usize| Source::PathParam(index.to_string().into());
        let all = Source::All((0..values.len()).map(param).collect());
        let from = ClientFrom { sources: vec![all], missing: Missing::Deny };
        let Found::Client(id) = from.find(&Everywhere([0; 4]), &Params(values.clone()), &Clients::default()) else {
            panic!("no client");
        };
        let parts: Vec<_> = id.parts().collect();
        prop_assert_eq!(parts.len(), values.len());
        for (index, (part, value)) in parts.iter().zip(&values).enumerate() {
            let name = index.to_string();
            prop_assert_eq!(part.kind, Kind::PathParam);
            prop_assert_eq!(part.name, name.as_bytes());
            prop_assert_eq!(part.value, &value[..]);
        }
    }
}
