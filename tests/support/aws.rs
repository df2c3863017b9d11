//! A gate before moto: some requests of AWS have a fate of their own on their way through it.

use std::sync::Arc;

use fake_org::{Request, Response};

use super::http::{self, Endpoint};
use super::moto;

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Fate {
    /// It is answered with this status and body.
    Answer(u16, String),
    /// It is never answered.
    Silence,
}

/// S3's answer to what it refuses.
pub fn refused(status: u16, code: &str) -> Fate {
    Fate::Answer(
        status,
        format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
        ),
    )
}

/// Secrets Manager's answer to what it refuses.
pub fn refused_secret(status: u16, code: &str) -> Fate {
    Fate::Answer(
        status,
        format!("{{\"__type\":\"{code}\",\"message\":\"{code}\"}}"),
    )
}

/// Whether a request is one of Secrets Manager.
pub fn is_of_secrets(request: &Request) -> bool {
    request.header_value("x-amz-target").is_some()
}

/// The gate; what `decide` does not decide goes on to moto.
pub async fn before_moto(
    decide: impl Fn(&Request) -> Option<Fate> + Send + Sync + 'static,
) -> Endpoint {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (client, decide) = (
        reqwest::Client::builder().no_gzip().build().unwrap(),
        Arc::new(decide),
    );
    http::serve(move |request: Request| {
        let (client, fate) = (client.clone(), decide(&request));
        async move {
            match fate {
                Some(Fate::Answer(status, body)) => {
                    let headers = vec![("Content-Type".to_owned(), "application/xml".to_owned())];
                    Response {
                        status,
                        headers,
                        body: body.into_bytes(),
                        fault: None,
                    }
                }
                Some(Fate::Silence) => std::future::pending().await,
                None => passed_on(&client, request).await,
            }
        }
    })
    .await
}

/// The gate; each request goes on to moto once what it brings about is done.
pub async fn before_moto_after<A>(
    happen: impl Fn(&Request) -> A + Send + Sync + 'static,
) -> Endpoint
where
    A: Future<Output = ()> + Send + 'static,
{
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (client, happen) = (
        reqwest::Client::builder().no_gzip().build().unwrap(),
        Arc::new(happen),
    );
    http::serve(move |request: Request| {
        let (client, happens) = (client.clone(), happen(&request));
        async move {
            happens.await;
            passed_on(&client, request).await
        }
    })
    .await
}

async fn passed_on(client: &reqwest::Client, request: Request) -> Response {
    let url = format!("{}{}?{}", moto::url(), request.path, request.query);
    let mut sent = client
        .request(request.method.parse().unwrap(), url)
        .body(request.body);
    for (name, value) in request
        .headers
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
    {
        sent = sent.header(name, value);
    }
    let answer = sent.send().await.unwrap();
    let status = answer.status().as_u16();
    let is_of_answer =
        |name: &str| !["content-length", "transfer-encoding", "connection"].contains(&name);
    let headers = answer
        .headers()
        .iter()
        .filter(|(name, _)| is_of_answer(name.as_str()));
    let headers = headers
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    Response {
        status,
        headers,
        body: answer.bytes().await.unwrap().to_vec(),
        fault: None,
    }
}
