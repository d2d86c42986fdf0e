//! Posting JSON to addresses outside of the deployment: people's chat rooms, pagers, ticket queues.
//!
//! Owns the connection, its time limit and what an answer means. When to try again is the caller's. Redirects are
//! not followed: what is posted goes to the address that the settings name, and nowhere else.

use std::error::Error;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// How long one request may take.
const LONGEST: Duration = Duration::from_secs(15);

/// Posts to addresses outside. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Outbound {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// It was taken.
    Taken,
    /// It will not be taken, however often it is sent: why.
    Refused(String),
    /// Nobody took it, but somebody may when it is sent again: why.
    Failed(String),
}

impl Outbound {
    /// A client that trusts what the machine trusts.
    ///
    /// # Errors
    /// The machine's certificates cannot be read.
    pub fn new() -> anyhow::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()
            .context("there are no certificates to trust: install ca-certificates")?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector) })
    }

    /// Posts JSON. Errors do not repeat the address: it may be a secret.
    pub async fn post(&self, address: &Uri, headers: HeaderMap, body: Bytes) -> Posted {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = address.clone();
        *request.headers_mut() = headers;
        let json = header::HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        let agent =
            header::HeaderValue::from_static(concat!("airside/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(header::USER_AGENT, agent);
        match tokio::time::timeout(LONGEST, self.client.request(request)).await {
            Ok(Ok(answer)) => meaning(answer.status()),
            Ok(Err(error)) => Posted::Failed(chain(&error)),
            Err(_) => Posted::Failed(format!("no answer within {LONGEST:?}")),
        }
    }
}

/// What an answer means. A receiver that says that the request is wrong says so again; one that wants it later, that
/// is overloaded or broken may take it then.
fn meaning(status: StatusCode) -> Posted {
    let may_be_taken_later = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
    );
    if status.is_success() {
        Posted::Taken
    } else if status.is_server_error() || may_be_taken_later {
        Posted::Failed(format!("the receiver answered {status}"))
    } else {
        Posted::Refused(format!("the receiver answered {status}"))
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_whether_to_try_again() {
        for (status, is_taken, is_refused) in [
            (200, true, false),
            (204, true, false),
            (302, false, true),
            (400, false, true),
            (404, false, true),
            (429, false, false),
            (500, false, false),
            (503, false, false),
        ] {
            let meaning = meaning(StatusCode::from_u16(status).unwrap());
            assert_eq!(meaning == Posted::Taken, is_taken, "{status}");
            assert_eq!(matches!(meaning, Posted::Refused(_)), is_refused, "{status}");
        }
    }
}
