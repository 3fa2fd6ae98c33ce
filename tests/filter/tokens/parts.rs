//! What is told of the parts of a model's tokens.

use super::{answered, chat, gateway, left};

#[test]
fn what_writes_nothing_costs_no_output() {
    let gateway = gateway(
        r#""limits": {"itpm": {"rate": "1/d", "burst": 1500, "unit": "input_tokens"},
                      "otpm": {"rate": "1/d", "burst": 1500, "unit": "output_tokens"}},
           "status": {"path": "/status"}"#,
    );
    let embedded = r#"{"data":[],"usage":{"prompt_tokens":3,"total_tokens":3}}"#;
    answered(chat(&gateway, r#"{"input":"a"}"#), embedded);
    assert_eq!(left(&gateway, "itpm"), 1_497);
    assert_eq!(left(&gateway, "otpm"), 1_500);
}
