//! The names of keys: whose they are is in no one's power to read off.

use proptest::prelude::*;
use tollgate::config::Config;
use tollgate::redis::{limit_key, Names};

use crate::cluster;

/// The hash that stands in a name.
fn hash(secret: Option<&str>, client: &[u8]) -> String {
    let key = Names::new("ns", secret).key(client, &cluster("rpm:5f1c09ab"));
    let hash = key.strip_prefix("tollgate:ns:{").unwrap();
    hash.strip_suffix("}:rpm:5f1c09ab").unwrap().to_owned()
}

/// The first 128 bits of published vectors.
#[test]
fn a_client_is_hmac_sha_256_or_sha_256() {
    let rfc_4231_1 = "\u{b}".repeat(20);
    // More than the hash's block of 64 bytes; from Python's hmac.
    let long = "k".repeat(131);
    for (secret, client, expected) in [
        (
            Some(&*rfc_4231_1),
            "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b",
        ),
        // RFC 4231, test case 2.
        (
            Some("Jefe"),
            "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c7",
        ),
        (Some(&*long), "abc", LONG_KEY),
        (Some(""), "", "b613679a0814d9ec772f95d778c35fc5"),
        // FIPS 180-4.
        (None, "abc", "ba7816bf8f01cfea414140de5dae2223"),
        (None, "", "e3b0c44298fc1c149afbf4c8996fb924"),
    ] {
        assert_eq!(
            hash(secret, client.as_bytes()),
            expected,
            "{secret:?} {client}"
        );
    }
    assert_eq!(hash(None, b"\xff\x00\x80").len(), 32);
}

const LONG_KEY: &str = "9e8f3782f349f42411b8e7e0546210f6";

#[test]
fn a_name_has_its_parts_in_order() {
    let key = Names::new("prod-eu_1", Some("s")).key(b"alice", &cluster("rpm:5f1c09ab"));
    let hash = hash(Some("s"), b"alice");
    assert_eq!(key, format!("tollgate:prod-eu_1:{{{hash}}}:rpm:5f1c09ab"));
    assert!(!hash.contains("alice"));
    // What stands in the first braces chooses the slot on Redis Cluster: the
    // same for all limits of a client.
    let other = Names::new("prod-eu_1", Some("s")).key(b"alice", &cluster("daily:00000000"));
    let slot = |key: &str| key.split(['{', '}']).nth(1).unwrap().to_owned();
    assert_eq!(slot(&key), slot(&other));
    assert_ne!(key, other);
}

#[test]
fn names_print_no_secret() {
    let shown = format!("{:?}", Names::new("ns", Some("hunter2")));
    assert_eq!(shown, "Names(tollgate:ns:{…)");
}

/// Pinned: another text would leave all state behind at an update.
#[test]
fn a_limits_part_of_the_name() {
    assert_eq!(limit_key("rpm", "abc"), "rpm:ba7816bf");
    assert_eq!(limit_key("l", ""), "l:e3b0c442");
}

/// The key and the tag of a limit under this configuration.
fn keyed(limit: &str, client_from: &str) -> (String, u64, u64) {
    let json = format!(
        r#"{{"client_from": {client_from}, "limits": {{{limit}}}, "redis": {{"upstream": "r", "bridge": "webdis", "gateways": 1}}}}"#
    );
    let config = Config::parse(json.as_bytes()).unwrap();
    let limit = &config.limits[0];
    let cluster = limit.cluster().unwrap();
    (cluster.key.to_string(), limit.tag, cluster.denials)
}

#[test]
fn state_goes_with_what_it_belongs_to() {
    let rpm = |fields: &str| format!(r#""rpm": {{"rate": {fields}, "scope": "cluster"}}"#);
    let ip = r#"[{"ip": {}}]"#;
    let (key, tag, denials) = keyed(&rpm(r#""9/s""#), ip);
    // Pinned, like the texts of sources that it is made of.
    assert_eq!(key, "rpm:2d80a1b1");

    // Another rate or burst keeps it; but what was denied under the old one may
    // be allowed now.
    for same in [
        r#""10/m""#,
        r#""9/s", "burst": 3"#,
        r#""9/s", "consistency": "lease""#,
    ] {
        let (other, other_tag, other_denials) = keyed(&rpm(same), ip);
        assert_eq!((&other, other_tag), (&key, tag), "{same}");
        assert_ne!(other_denials, denials, "{same}");
    }
    // Another name, or another way to find the client, starts afresh.
    let named = keyed(r#""tpm": {"rate": "9/s", "scope": "cluster"}"#, ip).0;
    assert!(named.starts_with("tpm:"));
    assert_ne!(named.split(':').nth(1), key.split(':').nth(1));
    for other in [
        r#"[{"ip": {"ipv6_prefix": 56}}]"#,
        r#"[{"header": "x"}, {"ip": {}}]"#,
        r#"[{"all": [{"ip": {}}]}]"#,
    ] {
        let (key_there, tag_there, _) = keyed(&rpm(r#""9/s""#), other);
        assert!(key_there.starts_with("rpm:"));
        assert_ne!((&key_there, tag_there), (&key, tag), "{other}");
    }
}

proptest! {
    #[test]
    fn every_client_has_a_name_of_its_own(
        a in prop::collection::vec(any::<u8>(), 0..40),
        b in prop::collection::vec(any::<u8>(), 0..40),
        secret in prop::option::of(".{0,100}"),
    ) {
        let name = |client: &[u8]| Names::new("default", secret.as_deref()).key(client, &cluster("rpm:00"));
        prop_assert_eq!(name(&a) == name(&b), a == b);
        let plain = name(&a).bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b":{}_-".contains(&byte));
        prop_assert!(plain);
    }
}
