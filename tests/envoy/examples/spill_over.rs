//! spill-over.yaml: who is over the limit is served by the smaller model.

use super::{spend, start, try_it, violated};
use crate::harness::{Client, ModelApi};
use std::time::{Duration, Instant};

const FILE: &str = "envoy/examples/spill-over.yaml";

#[test]
fn over_the_limit_the_smaller_model_answers() {
    let api = ModelApi::start();
    let envoy = start(FILE, api.port());
    let tried = try_it(FILE, &envoy);
    assert!(tried.starts_with("HTTP/1.1 200 OK"), "{tried}");
    let by = |model| tried.matches(model).count();
    assert_eq!(
        by("x-served-by: large") + by("x-served-by: small"),
        7,
        "{tried}"
    );
    assert!(by("x-served-by: large") >= 5, "{tried}");

    // One who asks for the smaller model by himself gets the one that he has left.
    let client = Client::new(envoy.address());
    let chat = |more: &[(&str, &str)]| {
        let mut headers = vec![("x-api-key", "bob")];
        headers.extend(more);
        client.post("/v1/chat/completions", &headers, r#"{"messages": []}"#)
    };
    let begun = Instant::now();
    let forged = chat(&[("x-tollgate-over", "large")]);
    assert_eq!(forged.header("x-served-by"), Some("large"));

    // Then, until all that he may send is sent.
    let mut served = Vec::new();
    let refused = spend(29, Duration::from_secs(1), begun, || {
        let answer = chat(&[]);
        served.extend(answer.header("x-served-by").map(str::to_owned));
        answer
    });
    assert_eq!(violated(&refused), ["all"]);
    let large = served.iter().filter(|model| *model == "large").count();
    let back = usize::try_from(begun.elapsed().as_secs()).unwrap() / 4 + 1;
    assert!((4..=4 + back).contains(&large), "{served:?}");
    assert_eq!(served[..4], ["large"; 4].map(str::to_owned));

    // Other routes have no smaller model, nor does it matter there.
    let models = client.get("/v1/models", &[("x-api-key", "carol")]);
    assert_eq!(models.header("x-served-by"), Some("large"));
    let small = by("x-served-by: small") + served.len() - large;
    let small = u64::try_from(small).unwrap();
    assert_eq!(envoy.stat("cluster.small_model.upstream_rq_total"), small);
    assert_eq!(envoy.counter("limit.large.tagged"), small + 1);
    let log = envoy.access_log(served.len());
    assert!(
        log.contains(" 200 details=via_upstream tollgate=tagged:large "),
        "{log}"
    );
    envoy.assert_vm_lives();
}
