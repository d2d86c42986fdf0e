//! What a cloud has that gives its machines temporary keys: the exchange of tokens (STS), the agent of pods, and
//! the metadata of machines, all of them in one server of the test's making.
//!
//! Answers as Amazon documents it. The keys that it gives are good at the object store of the tests.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};

use crate::http_server::{Authority, HttpServer};
use crate::object_store::{ObjectStoreServer, ObjectStoreServerError};

/// A server that gives temporary keys. It ends when it is dropped.
#[derive(Debug)]
pub struct CredentialsServer {
    server: HttpServer,
    asked: Arc<Mutex<Vec<String>>>,
}

impl CredentialsServer {
    /// The token for which keys are given.
    pub const TOKEN: &str = "token-of-the-test";
    /// The role whose keys are given.
    pub const ROLE: &str = "arn:aws:iam::123456789012:role/raw-events";

    /// Starts a server on a free port of loopback, in the clear or with a certificate of an authority.
    ///
    /// # Errors
    ///
    /// The port, the certificate or the thread cannot be had.
    pub fn start(authority: Option<&Authority>) -> Result<Self, ObjectStoreServerError> {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&asked);
        let server = HttpServer::start(authority, move |request: Request<Incoming>| {
            let (what, answer) = answer(&request);
            told.lock().unwrap_or_else(PoisonError::into_inner).push(what.to_owned());
            let (status, text) = answer
                .map_or((StatusCode::FORBIDDEN, String::new()), |text| (StatusCode::OK, text));
            let mut answer = Response::new(Full::new(Bytes::from(text)));
            *answer.status_mut() = status;
            async { Ok::<_, std::convert::Infallible>(answer) }
        });
        Ok(Self { server: server.map_err(ObjectStoreServerError::of)?, asked })
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What was asked for so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What was asked for, and the answer to it; none for who may not ask.
fn answer(request: &Request<Incoming>) -> (&'static str, Option<String>) {
    let (token, path) = (CredentialsServer::TOKEN, request.uri().path());
    let has = |header: &str| request.headers().get(header).is_some_and(|it| it == token);
    let has_said = |name: &str, value: &str| {
        let query = request.uri().query().unwrap_or_default();
        let value = value.replace(':', "%3A").replace('/', "%2F");
        query.split('&').any(|pair| pair == format!("{name}={value}"))
    };
    match (request.method(), path) {
        (&Method::POST, "/") => {
            let may = has_said("Action", "AssumeRoleWithWebIdentity")
                && has_said("RoleArn", CredentialsServer::ROLE)
                && has_said("WebIdentityToken", token);
            ("exchange", may.then(as_xml))
        }
        (&Method::GET, "/agent") => ("agent", has("authorization").then(as_json)),
        (&Method::PUT, "/latest/api/token") => ("metadata token", Some(token.to_owned())),
        (&Method::GET, "/latest/meta-data/iam/security-credentials/") => {
            ("metadata role", has("x-aws-ec2-metadata-token").then(|| "raw-events".to_owned()))
        }
        (&Method::GET, "/latest/meta-data/iam/security-credentials/raw-events") => {
            ("metadata keys", has("x-aws-ec2-metadata-token").then(as_json))
        }
        _ => ("something else", None),
    }
}

/// Far beyond the end of every test.
const EXPIRATION: &str = "2100-01-01T00:00:00Z";

fn as_json() -> String {
    let (id, key) = (ObjectStoreServer::ACCESS_KEY_ID, ObjectStoreServer::SECRET_ACCESS_KEY);
    format!(
        r#"{{"AccessKeyId":"{id}","SecretAccessKey":"{key}","Token":"session","Expiration":"{EXPIRATION}"}}"#
    )
}

fn as_xml() -> String {
    let (id, key) = (ObjectStoreServer::ACCESS_KEY_ID, ObjectStoreServer::SECRET_ACCESS_KEY);
    format!(
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
         <SessionToken>session</SessionToken><SecretAccessKey>{key}</SecretAccessKey>\
         <AccessKeyId>{id}</AccessKeyId><Expiration>{EXPIRATION}</Expiration></Credentials>\
         </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    )
}
