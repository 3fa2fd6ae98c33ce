//! The client's address is the one that Envoy trusts, masked as configured.

use crate::harness::{direct_response, Client, Envoy, EnvoyOptions};

const CONFIG: &str = r#"{
  "client_from": [{"ip": {"ipv4_prefix": 24}}],
  "limits": {"one": {"rate": "2/d"}}
}"#;

fn start(edits: &[(&str, &str)]) -> Envoy {
    let mut edits: Vec<_> = edits
        .iter()
        .map(|(from, to)| (from.to_string(), to.to_string()))
        .collect();
    edits.push(direct_response());
    Envoy::start(EnvoyOptions {
        config: Some(CONFIG.to_owned()),
        concurrency: 1,
        edits,
        ..EnvoyOptions::default()
    })
}

/// The statuses of one request from each address.
fn from(envoy: &Envoy, addresses: &[&str]) -> Vec<u16> {
    let client = Client::new(envoy.address());
    let ask = |address: &&str| client.get("/", &[("x-forwarded-for", address)]).status;
    addresses.iter().map(ask).collect()
}

#[test]
fn nobody_invents_an_address_as_shipped() {
    let envoy = start(&[]);
    let invented = ["192.0.2.1", "198.51.100.1", "2001:db8::1"];
    assert_eq!(
        from(&envoy, &invented),
        [200, 200, 429],
        "all three are the connection's"
    );
}

#[test]
fn behind_a_trusted_proxy_its_word_counts() {
    let envoy = start(&[("xff_num_trusted_hops: 0", "xff_num_trusted_hops: 1")]);
    let same = ["192.0.2.1", "192.0.2.200", "192.0.2.3"];
    assert_eq!(from(&envoy, &same), [200, 200, 429], "one /24");
    let other = [
        "9.9.9.9, 198.51.100.1",
        "8.8.8.8, 198.51.100.1",
        "198.51.100.1",
    ];
    assert_eq!(
        from(&envoy, &other),
        [200, 200, 429],
        "what the client wrote before does not count"
    );
    let six = [
        "2001:db8:1:2::1",
        "2001:db8:1:2:ffff::2",
        "2001:db8:1:2:3:4:5:6",
        "2001:db8:1:3::1",
    ];
    assert_eq!(
        from(&envoy, &six),
        [200, 200, 429, 200],
        "one /64, then another"
    );
    let mapped = ["::ffff:203.0.113.7", "203.0.113.8", "::ffff:203.0.113.9"];
    assert_eq!(
        from(&envoy, &mapped),
        [200, 200, 429],
        "IPv4-mapped is IPv4"
    );
    envoy.assert_vm_lives();
}
