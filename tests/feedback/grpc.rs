//! What gRPC's clients get, and who they are.

use tollgate::feedback::{GrpcStatus, Protocol, Refusal};
use tollgate::request::{AttributePath, Request};

use crate::{blocked, denial, feedback, header, limit, SECOND};

struct Asks(Vec<(&'static str, &'static [u8])>);

impl Request for Asks {
    fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.0.iter().filter(move |(found, _)| *found == name);
        lines.map(|(_, value)| *value)
    }

    fn attribute(&self, _: &AttributePath) -> Option<Vec<u8>> {
        None
    }
}

/// As Envoy has it (`Grpc::Common::hasGrpcContentType`): where the two differ, a
/// client would get a reply that is half of each.
#[test]
fn who_speaks_grpc() {
    for (kind, expected) in [
        (&b"application/grpc"[..], true),
        (b"application/grpc+proto", true),
        (b"application/grpc+", true),
        (b"application/grpc+\xff", true),
        (b"application/grpc-web", false),
        (b"application/grpc-web+proto", false),
        (b"application/grpc;charset=utf-8", false),
        (b"application/grp", false),
        (b"Application/gRPC", false),
        (b"application/json", false),
        (b"\xff\x00", false),
        (b"", false),
    ] {
        let request = Asks(vec![(":path", b"/"), ("content-type", kind)]);
        assert_eq!(request.is_grpc(), expected, "{kind:?}");
    }
    assert!(!Asks(vec![]).is_grpc());
}

#[test]
fn the_message_is_the_sentence_whatever_the_body_is() {
    let limit = limit(r#""rate": "15/m""#);
    for body in ["problem", "text", "openai", "anthropic"] {
        let feedback = feedback(&format!(r#"{{"status": 503, "body": "{body}"}}"#));
        let denied = denial(&limit, Some(4 * SECOND));
        let reply = denied.reply(&feedback, Protocol::Grpc, None);
        assert_eq!(
            reply.body,
            "Client exceeded sending requests. Please try again after 4 seconds."
        );
        assert_eq!(header(&reply, "content-type"), None);
        assert_eq!(header(&reply, "retry-after"), Some("4"));
        assert_eq!(header(&reply, "ratelimit"), Some(r#""l";r=0;t=4"#));
        assert_eq!(reply.grpc_status, GrpcStatus::ResourceExhausted);
    }
}

/// `feedback.status` is of HTTP, and Envoy's guess from it would be another.
#[test]
fn each_refusal_has_its_own_status() {
    let feedback = feedback(r#"{"status": 503}"#);
    let scheme = "Bearer".to_owned();
    for (refusal, expected) in [
        (denial(&limit(r#""concurrency": 4"#), Some(SECOND)), 8),
        (
            denial(&limit(r#""quota": 4, "per": "day""#), Some(SECOND)),
            8,
        ),
        (denial(&blocked(), None), 8),
        (Refusal::Uncounted, 8),
        (Refusal::Unavailable, 14),
        (Refusal::MissingClient { scheme }, 16),
        (Refusal::AmbiguousClient, 3),
    ] {
        for protocol in [Protocol::Http, Protocol::Grpc] {
            let reply = refusal.reply(&feedback, protocol, None);
            assert_eq!(reply.grpc_status as i32, expected, "{refusal:?}");
        }
    }
}
