//! The token endpoint: client secret or signed assertion → an access token, with a DPoP proof where the org asks for
//! one.
//! <https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/>
//! <https://developer.okta.com/docs/guides/dpop/main/>

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::Error;
use super::answer::{self, AnswerTrouble, Grant, Raw};
use super::assertion::{KeyError, SigningKey};
use super::dpop::Proofs;
use super::remedy::Way;
use super::transport::Transport;
use super::tries::{Next, Tries};
use crate::secret::Credentials;

/// Fetches tokens with an OAuth client's credentials.
#[derive(Debug)]
pub(super) struct Issuer {
    credentials: Credentials,
    /// The parsed private key, where the credentials are one.
    key: Option<SigningKey>,
    /// Made once an org asks for them.
    proofs: Option<Proofs>,
    /// The token endpoint's newest DPoP nonce.
    nonce: Option<String>,
    /// How far the org's clock is ahead of the function's, once it has refused a time.
    clock_ahead: SignedDuration,
}

/// An access token.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub secret: SecretString,
    pub is_dpop: bool,
    pub renew_at: Timestamp,
    pub scopes: BTreeSet<String>,
}

/// The result of a request for a token.
pub(super) enum Fetched {
    Token(Token),
    /// The org knows the scopes, and grants none of them.
    Nothing(Error),
    /// The org does not know one of them.
    UnknownScope(Error),
}

const TOKEN_PATH: &str = "/oauth2/v1/token";
/// A token is renewed this long before it ends, or after nine tenths of a short life.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(120);
/// Assertions and proofs are dated back by this, so that an org whose clock is a little slow takes them.
const DATED_BACK: SignedDuration = SignedDuration::from_secs(5);
/// Clocks that differ by less are no reason for a refusal.
const SAME_TIME: SignedDuration = SignedDuration::from_secs(2);

impl Issuer {
    /// An issuer for these credentials; nothing is requested yet.
    ///
    /// # Errors
    /// Where the private key is not one that can sign.
    pub(super) fn new(credentials: Credentials) -> Result<Self, KeyError> {
        let key = match &credentials {
            Credentials::PrivateKey {
                private_key,
                key_id,
                ..
            } => Some(SigningKey::parse(private_key, key_id.as_deref())?),
            Credentials::ClientSecret { .. } | Credentials::Token(_) => None,
        };
        Ok(Self {
            credentials,
            key,
            proofs: None,
            nonce: None,
            clock_ahead: SignedDuration::ZERO,
        })
    }

    pub(super) fn way(&self) -> Way {
        if self.key.is_some() {
            Way::App
        } else {
            Way::Integration
        }
    }

    pub(super) fn proofs(&self) -> Option<Proofs> {
        self.proofs.clone()
    }

    pub(super) fn clock_ahead(&self) -> SignedDuration {
        self.clock_ahead
    }

    /// Takes over the clock of an answer; returns whether that makes a difference.
    pub(super) fn set_clock(&mut self, raw: &Raw) -> bool {
        let Some(ahead) = raw.clock_ahead() else {
            return false;
        };
        let is_other = (ahead - self.clock_ahead).abs() >= SAME_TIME;
        if is_other {
            self.clock_ahead = ahead;
        }
        is_other
    }

    /// The scopes among `refused` that the org knows, found by halves: it does not say which one it does not know.
    pub(super) async fn known_of(
        &mut self,
        refused: &[&'static str],
        transport: &Transport,
        until: Timestamp,
    ) -> Result<Vec<&'static str>, Error> {
        let (mut known, mut open) = (Vec::new(), vec![refused]);
        while let Some((first, second)) = open
            .pop()
            .map(|refused| refused.split_at(refused.len() / 2))
        {
            for half in [first, second].into_iter().filter(|half| !half.is_empty()) {
                match self.fetch(half, transport, until).await? {
                    Fetched::Token(_) | Fetched::Nothing(_) => known.extend(half),
                    Fetched::UnknownScope(_) if half.len() > 1 => open.push(half),
                    Fetched::UnknownScope(_) => {}
                }
            }
        }
        Ok(known)
    }

    /// Requests a token. An org that wants a DPoP proof, its nonce in it, or another clock says so.
    pub(super) async fn fetch(
        &mut self,
        scopes: &[&'static str],
        transport: &Transport,
        until: Timestamp,
    ) -> Result<Fetched, Error> {
        let url = transport.url(TOKEN_PATH)?;
        let mut tries = Tries::default();
        loop {
            let build = |http: &reqwest::Client, now| self.request(http, scopes, &url, now);
            let raw = match transport.send(TOKEN_PATH, until.into(), build).await? {
                Ok(raw) => raw,
                Err(trouble) => {
                    pause_after(&mut tries, &trouble, transport, until).await?;
                    continue;
                }
            };
            match answer::grant(&raw, self.way(), transport.host()) {
                Grant::Token => return granted(&raw, scopes, transport.now()).map(Fetched::Token),
                Grant::Nothing(error) => return Ok(Fetched::Nothing(error)),
                Grant::UnknownScope(error) => return Ok(Fetched::UnknownScope(error)),
                Grant::Final(error) => return Err(error),
                Grant::Trouble(trouble) => {
                    pause_after(&mut tries, &trouble, transport, until).await?
                }
                Grant::Doubtful(error) if !tries.doubt() => return Err(error),
                Grant::Doubtful(_) => transport.pause(1, until).await?,
                Grant::NewProof(error) => self.prove_again(&mut tries, &raw, error)?,
                Grant::Clock(error) => {
                    let is_dated = self.key.is_some() || self.proofs.is_some();
                    if !is_dated || tries.prove().is_none() || !self.set_clock(&raw) {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Answers the refusal of a proof: with the first one, the nonce or the clock of the answer.
    fn prove_again(&mut self, tries: &mut Tries, raw: &Raw, error: Error) -> Result<(), Error> {
        let nonce = raw.nonce();
        let is_other_nonce = nonce.is_some() && nonce != self.nonce;
        self.nonce = nonce.or(self.nonce.take());
        let is_first = self.proofs.is_none();
        if tries.prove().is_none() || !(is_first || is_other_nonce || self.set_clock(raw)) {
            return Err(error);
        }
        if is_first {
            self.proofs =
                Some(Proofs::generate().map_err(|error| Error::Failed(error.to_string()))?);
        }
        Ok(())
    }

    fn request(
        &self,
        http: &reqwest::Client,
        scopes: &[&'static str],
        url: &Url,
        now: Timestamp,
    ) -> Result<Request, Error> {
        let now = dated(now, self.clock_ahead);
        let scope = scopes.join(" ");
        let mut form = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("scope", scope),
        ];
        let mut request = http.post(url.clone()).header("accept", "application/json");
        request = self.authenticate(request, &mut form, url, now)?;
        if let Some(proofs) = &self.proofs {
            let proof = proofs.proof("POST", url.as_str(), now, self.nonce.as_deref(), None);
            request = request.header(
                "dpop",
                proof.map_err(|error| Error::Failed(error.to_string()))?,
            );
        }
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        request
            .build()
            .map_err(|error| Error::Failed(error.without_url().to_string()))
    }

    /// Adds to a token request what says who asks: the client's secret, or an assertion by its key.
    fn authenticate(
        &self,
        request: reqwest::RequestBuilder,
        form: &mut Vec<(&'static str, String)>,
        url: &Url,
        now: Timestamp,
    ) -> Result<reqwest::RequestBuilder, Error> {
        match (&self.credentials, &self.key) {
            (
                Credentials::ClientSecret {
                    client_id,
                    client_secret,
                },
                _,
            ) => {
                let pair = BASE64_STANDARD
                    .encode(format!("{client_id}:{}", client_secret.expose_secret()));
                return Ok(request.header(AUTHORIZATION, sensitive(&format!("Basic {pair}"))?));
            }
            (Credentials::PrivateKey { client_id, .. }, Some(key)) => {
                let assertion = key
                    .assertion(client_id, url.as_str(), now)
                    .map_err(|error| Error::Failed(error.to_string()))?;
                form.push((
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
                ));
                form.push(("client_assertion", assertion));
            }
            (Credentials::PrivateKey { .. }, None) | (Credentials::Token(_), _) => {}
        }
        Ok(request)
    }
}

async fn pause_after(
    tries: &mut Tries,
    trouble: &AnswerTrouble,
    transport: &Transport,
    until: Timestamp,
) -> Result<(), Error> {
    match tries.fail() {
        Next::Pause(failures) => transport.pause(failures, until).await,
        Next::GiveUp => {
            let (what, failed) = (&trouble.text, tries.failed());
            Err(Error::Failed(format!(
                "POST /oauth2/v1/token: {what} (after {failed} attempts)"
            )))
        }
    }
}

/// The time to put into an assertion or a proof.
pub(super) fn dated(now: Timestamp, clock_ahead: SignedDuration) -> Timestamp {
    now.saturating_add(clock_ahead - DATED_BACK).unwrap_or(now)
}

/// A header's value that no log shows.
pub(super) fn sensitive(value: &str) -> Result<HeaderValue, Error> {
    let mut header = HeaderValue::from_str(value).map_err(|_| {
        Error::Rejected(
            "the secret's credentials hold characters that no HTTP header can: paste them again"
                .to_owned(),
        )
    })?;
    header.set_sensitive(true);
    Ok(header)
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    #[serde(default)]
    token_type: String,
    #[serde(default)]
    expires_in: Option<i64>,
    #[serde(default)]
    scope: String,
}

/// An answer that names no scopes grants those that were asked for.
/// <https://www.rfc-editor.org/rfc/rfc6749#section-5.1>
fn granted(raw: &Raw, asked: &[&str], now: Timestamp) -> Result<Token, Error> {
    let grant: Granted = serde_json::from_str(&raw.body).map_err(|_| {
        Error::Failed(
            "Okta's token answer holds no access_token: check the secret's domain".to_owned(),
        )
    })?;
    let life = SignedDuration::from_secs(grant.expires_in.unwrap_or(3_600).clamp(0, 86_400));
    let mut scopes: BTreeSet<String> = grant.scope.split_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() {
        scopes = asked.iter().map(|scope| (*scope).to_owned()).collect();
    }
    Ok(Token {
        secret: grant.access_token,
        is_dpop: grant.token_type.eq_ignore_ascii_case("dpop"),
        renew_at: now + life - RENEW_BEFORE.min(life / 10),
        scopes,
    })
}
