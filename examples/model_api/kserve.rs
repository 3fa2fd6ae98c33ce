//! gRPC of the open inference protocol, as KServe and Triton speak it
//! (github.com/kserve/open-inference-protocol): no more than a client needs to take an
//! answer for one.

use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{header, HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::{stream, StreamExt};
use http_body::Frame;
use http_body_util::StreamBody;

/// `ModelInferResponse` and `ModelMetadataResponse`: field 1, the model's name.
const MODEL: &[u8] = b"\x0a\x04demo";
/// `ModelStreamInferResponse`: field 2, one such.
const STREAMED: &[u8] = b"\x12\x06\x0a\x04demo";
/// `ServerLiveResponse` and its like: field 1, true.
const LIVE: &[u8] = b"\x08\x01";

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const OK: HeaderValue = HeaderValue::from_static("0");

/// One message for a call; of a stream, one for each piece that comes.
pub(super) async fn call(Path(method): Path<String>, request: Body) -> Response {
    let message = match method.as_str() {
        "ServerLive" | "ServerReady" | "ModelReady" => framed(LIVE),
        "ModelStreamInfer" => framed(STREAMED),
        _ => framed(MODEL),
    };
    let status = stream::once(async { Ok(Frame::trailers(HeaderMap::from_iter([(STATUS, OK)]))) });
    let pieces = request.into_data_stream();
    let messages = if method == "ModelStreamInfer" {
        let answers = pieces.map(move |piece| piece.map(|_| Frame::data(message.clone())));
        Body::new(StreamBody::new(answers.chain(status)))
    } else {
        let whole = pieces.fold(Ok(()), |sum, piece| async { sum.and(piece.map(drop)) });
        let answer = stream::once(async { whole.await.map(|()| Frame::data(message)) });
        Body::new(StreamBody::new(answer.chain(status)))
    };
    ([(header::CONTENT_TYPE, "application/grpc")], messages).into_response()
}

/// A message on gRPC's wire: not compressed, its length, itself.
fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap_or_default();
    [&[0], &length.to_be_bytes()[..], message].concat().into()
}
