//! Any bytes, from anybody. The filter aborts the test where it panics.

use proptest::prelude::*;

use crate::host::{Gateway, Request};

const EVERYTHING: &str = r#"{
    "client_from": [{"header": "authorization", "strip": "Bearer "}, {"query": "k"}, {"cookie": "c"},
                    {"jwt_claim": "sub"}, {"path_param": "model"}, {"ip": {}}],
    "limits": {"l": {"rate": "1000000/d"},
               "p": {"rate": "1000000/d", "client_from": [{"property": ["a", "b"]}]}},
    "routes": [{"match": {"path": "/v1/{model}:x/{rest=**}", "methods": ["GET"]}, "limits": ["l", "p"]},
               {"match": {"host": "*.example.com", "headers": {"x-tier": "a"}}, "limits": ["l"]},
               {"match": {"prefix": "/p/", "route_name": "r"}, "limits": ["p", "l"]},
               {"match": {}, "limits": ["l"]}]}"#;

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        // What parsers look at, in any order.
        prop::collection::vec(
            prop::sample::select(b"/.%2fFcC5?&=;:@[]{}kc# Bearer\\\0\xff".to_vec()),
            0..40
        ),
    ]
}

proptest! {
    #[test]
    fn no_bytes_break_the_filter_or_pass_uncounted(
        path in any_bytes(), host in any_bytes(), method in any_bytes(),
        authorization in any_bytes(), cookie in any_bytes(), tier in any_bytes(),
        address in any_bytes(), claim in any_bytes(), name in "[a-z:\u{e9}-]{0,9}",
    ) {
        let gateway = Gateway::start(EVERYTHING).unwrap();
        let path = [&b"/v1/m:x"[..], &path].concat();
        let request = Request::get("/")
            .with(":path", path).with(":authority", host).with(":method", method)
            .header("authorization", authorization).header("cookie", cookie)
            .header("x-tier", tier).header(&name, b"x")
            .attribute(&["source", "address"], address)
            .attribute(&["a", "b"], claim.clone())
            .attribute(&["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", "jwt_payload", "sub"], claim);
        let answer = gateway.send(&request);
        let counted = answer.header("ratelimit").is_some();
        prop_assert!(counted || answer.status == 400, "{answer:?}");
    }

    #[test]
    fn no_stored_page_breaks_the_filter(seed in any::<[u8; 24]>(), length in 3070_usize..3075) {
        let page: Vec<u8> = seed.iter().copied().cycle().take(length).collect();
        let gateway = Gateway::start(EVERYTHING).unwrap();
        gateway.send(&Request::get("/"));
        gateway.store().overwrite_pages(&page);
        gateway.send(&Request::get("/"));
    }
}
