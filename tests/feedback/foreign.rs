//! The upstream's own headers of a chosen dialect, which show the operator's
//! account.

use tollgate::feedback::Feedback;

use crate::feedback;

fn removed(feedback: &Feedback) -> Vec<&'static str> {
    let mut removed = Vec::new();
    feedback.show_nothing(|name, value| {
        assert_eq!(value, None);
        removed.push(name);
    });
    removed
}

/// The providers think of new names now and then: a list would be out of date.
#[test]
fn every_name_of_a_providers_dialect_is_foreign() {
    let openai = feedback(r#"{"headers": ["openai"]}"#);
    let anthropic = feedback(r#"{"headers": ["anthropic"]}"#);
    assert!(openai.has_families() && anthropic.has_families());
    for name in [
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
        "x-ratelimit-limit-project-tokens",
        "x-ratelimit-remaining-tokens_usage_based",
    ] {
        assert!(openai.is_foreign(name.as_bytes()), "{name}");
        assert!(!anthropic.is_foreign(name.as_bytes()), "{name}");
    }
    for name in [
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-unified-5h-utilization",
        "anthropic-priority-output-tokens-reset",
        "anthropic-fast-input-tokens-limit",
    ] {
        assert!(anthropic.is_foreign(name.as_bytes()), "{name}");
        assert!(!openai.is_foreign(name.as_bytes()), "{name}");
    }
    let both = feedback(r#"{"headers": ["anthropic", "openai"]}"#);
    assert!(both.is_foreign(b"x-ratelimit-limit-tokens"));
    assert!(both.is_foreign(b"anthropic-ratelimit-tokens-limit"));
}

#[test]
fn what_is_of_no_chosen_dialect_stays() {
    let both = feedback(r#"{"headers": ["anthropic", "openai"]}"#);
    for name in [
        "",
        "x-ratelimit-limit",
        "x-ratelimit-used",
        "ratelimit",
        "anthropic-version",
        "request-id",
        "retry-after",
    ] {
        assert!(!both.is_foreign(name.as_bytes()), "{name}");
    }
    assert!(!both.is_foreign(b"\xff"));
    assert_eq!(removed(&both), [""; 0]);
}

/// Whose names are all known: the response need not be read.
#[test]
fn the_other_dialects_have_no_more_names_than_they_show() {
    let plain = feedback(r#"{"headers": ["ratelimit", "x-ratelimit"]}"#);
    assert!(!plain.has_families());
    assert!(!plain.is_foreign(b"x-ratelimit-limit-requests"));
    assert_eq!(
        removed(&plain),
        [
            "ratelimit-policy",
            "ratelimit",
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset"
        ]
    );
    assert_eq!(removed(&feedback(r#"{"headers": []}"#)), [""; 0]);
}
