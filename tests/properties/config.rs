//! No configuration breaks the reader, and none is half read.

use proptest::prelude::*;
use serde_json::{json, Value};
use tollgate::config::Config;

fn sound() -> Value {
    json!({
        "client_from": [{"header": "authorization", "strip": "Bearer ", "known": true}, {"ip": {"ipv6_prefix": 56}}],
        "missing": "deny",
        "limits": {
            "rpm": {"rate": "15/m", "burst": 10, "unit": "requests", "mode": "enforce"},
            "shared": {"rate": "100/30s", "scope": "share",
                       "client_from": [{"all": [{"jwt_claim": ["a", "b"], "payload": "p"}, {"path_param": "model"}]}]},
            "all": {"rate": "9/s", "scope": "cluster", "consistency": "lease"}
        },
        "gateways": 2,
        "hash_secret": "sk-secret",
        "log_client": true,
        "redis": {"upstream": "r", "bridge": "webdis", "authority": "h", "path": "/", "user": "u",
                  "password": "sk-secret", "timeout": "5ms", "on_failure": "local",
                  "breaker": {"failures": 2, "cooldown": "1s"}},
        "clients": {"sk-secret": {}, "ip:10.0.0.1": {},
                    "sha256:2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90": {}},
        "routes": [
            {"name": "chat", "match": {"path": "/v1/{model}/x", "methods": ["POST"], "host": "*.example.com",
             "headers": {"x": "y"}, "route_name": "r", "route_metadata": "m"}, "limits": ["rpm", "shared", "all"], "cost": 2},
            {"match": {}, "limits": []}
        ],
        "feedback": {"headers": ["ratelimit", "x-ratelimit"], "body": "text"},
        "namespace": "n",
        "max_entries": 1000
    })
}

/// Something else in the place of a value.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[0-9]{1,24}/[0-9]{0,24}[smhd]?".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[{"a": [null]}]])),
    ]
}

/// The value at the `n`th place of a tree, counted in order.
fn place(value: &mut Value, n: usize) -> Option<&mut Value> {
    fn walk<'v>(value: &'v mut Value, left: &mut usize) -> Option<&'v mut Value> {
        if *left == 0 {
            return Some(value);
        }
        *left -= 1;
        match value {
            Value::Array(items) => items.iter_mut().find_map(|item| walk(item, left)),
            Value::Object(members) => members.values_mut().find_map(|item| walk(item, left)),
            _ => None,
        }
    }
    let mut left = n;
    walk(value, &mut left)
}

#[test]
fn the_sound_configuration_is_sound() {
    Config::parse(sound().to_string().as_bytes()).unwrap();
}

#[test]
fn a_name_has_at_most_64_characters() {
    let config = |limit: &str, route: &str, namespace: &str| {
        let json = json!({
            "client_from": [{"ip": {}}], "namespace": namespace, "limits": {limit: {"rate": "1/s"}},
            "routes": [{"name": route, "match": {}, "limits": [limit]}]
        });
        Config::parse(json.to_string().as_bytes()).is_ok()
    };
    let (longest, longer) = ("n".repeat(64), "n".repeat(65));
    assert!(config(&longest, &longest, &longest));
    assert!(!config(&longer, "r", "n"));
    assert!(!config("l", &longer, "n"));
    assert!(!config("l", "r", &longer));
}

proptest! {
    #[test]
    fn any_value_in_any_place_is_read_or_refused(n in 0_usize..90, value in any_value()) {
        let mut json = sound();
        if let Some(place) = place(&mut json, n) {
            *place = value;
        }
        if let Err(errors) = Config::parse(json.to_string().as_bytes()) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                prop_assert!(!error.path().is_empty());
                prop_assert!(!error.to_string().contains("sk-secret"), "{}", error);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(text in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Err(errors) = Config::parse(&text) {
            prop_assert!(!errors.is_empty());
        }
    }

    /// A protobuf `Struct` keeps no order and makes every number a float.
    #[test]
    fn a_struct_means_the_same(burst in 1_u32..4_000_000, cost in 1_u32..1000) {
        let text = |burst: &str, cost: &str| format!(
            r#"{{"max_entries": {burst}, "limits": {{"l": {{"burst": {burst}, "rate": "1000000/s"}}}},
                "client_from": [{{"ip": {{}}}}], "routes": [{{"match": {{}}, "limits": ["l"], "cost": {cost}}}]}}"#
        );
        let cost = cost.min(burst);
        let whole = Config::parse(text(&burst.to_string(), &cost.to_string()).as_bytes()).unwrap();
        let float = Config::parse(text(&format!("{burst}.0"), &format!("{cost}e0")).as_bytes()).unwrap();
        prop_assert_eq!(format!("{:?}", whole.limits[0].kind), format!("{:?}", float.limits[0].kind));
        prop_assert_eq!(whole.layout, float.layout);
    }
}
