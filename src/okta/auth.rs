//! Access to an org: an OAuth token that is fetched when needed and kept while it lasts, or an
//! API token.
//! <https://developer.okta.com/docs/guides/build-api-integration/main/>
//! <https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/>

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::Error;
use super::assertion::{KeyError, SigningKey};
use super::dpop::Proofs;
use super::transport::{Raw, Transport};
use crate::secret::{Credentials, Integration};

/// An integration's access to its org, kept across warm invocations for one version of its secret.
#[derive(Debug)]
pub struct Session {
    version: String,
    host: String,
    credentials: Credentials,
    /// The parsed private key, where the credentials are one.
    key: Option<SigningKey>,
    scopes: Vec<&'static str>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    proofs: Option<Proofs>,
    nonce: Option<String>,
}

#[derive(Debug, Clone)]
struct Token {
    secret: SecretString,
    is_dpop: bool,
    renew_at: Timestamp,
    scopes: BTreeSet<String>,
}

/// A token is renewed this long before it ends, or after nine tenths of a short life.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(120);

impl Session {
    /// Access for this integration to `scopes`; nothing is requested yet.
    ///
    /// # Errors
    /// Where the private key is not one that can sign.
    pub fn new(integration: &Integration, scopes: Vec<&'static str>) -> Result<Self, KeyError> {
        let key = match &integration.credentials {
            Credentials::PrivateKey { private_key, key_id, .. } => {
                Some(SigningKey::parse(private_key, key_id.as_deref())?)
            }
            Credentials::ClientSecret { .. } | Credentials::Token(_) => None,
        };
        Ok(Self {
            version: integration.version.clone(),
            host: integration.host.clone(),
            credentials: integration.credentials.clone(),
            key,
            scopes,
            state: Mutex::new(State::default()),
        })
    }

    /// Whether this access is for the same org, version of the secret and scopes.
    #[must_use]
    pub fn serves(&self, integration: &Integration, scopes: &[&'static str]) -> bool {
        self.version == integration.version && self.host == integration.host && self.scopes == scopes
    }

    /// The scopes that the org grants; none where it does not say (an API token).
    /// A kept token that lacks a scope is not trusted: it may have been granted since.
    pub(super) async fn granted(
        &self,
        transport: &Transport,
        until: Timestamp,
    ) -> Result<Option<BTreeSet<String>>, Error> {
        if matches!(self.credentials, Credentials::Token(_)) {
            return Ok(None);
        }
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| !self.scopes.iter().all(|scope| token.scopes.contains(*scope))) {
            state.token = None;
        }
        Ok(Some(self.token(&mut state, transport, until).await?.scopes))
    }

    /// Puts the credentials on a request.
    pub(super) async fn authorize(&self, transport: &Transport, until: Timestamp) -> Result<Access, Error> {
        if let Credentials::Token(token) = &self.credentials {
            return Ok(Access { secret: token.clone(), scheme: "SSWS", proofs: None });
        }
        let mut state = self.state.lock().await;
        let token = self.token(&mut state, transport, until).await?;
        let proofs = if token.is_dpop { state.proofs.clone() } else { None };
        Ok(Access { secret: token.secret, scheme: if token.is_dpop { "DPoP" } else { "Bearer" }, proofs })
    }

    /// Forgets a token that Okta no longer accepts, unless it was renewed meanwhile. Returns
    /// whether another attempt can get further.
    pub(super) async fn forget(&self, used: &Access) -> bool {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.secret.expose_secret() == used.secret.expose_secret()) {
            state.token = None;
        }
        !matches!(self.credentials, Credentials::Token(_))
    }

    async fn token(&self, state: &mut State, transport: &Transport, until: Timestamp) -> Result<Token, Error> {
        if let Some(token) = state.token.as_ref().filter(|token| transport.now() < token.renew_at) {
            return Ok(token.clone());
        }
        let token = self.fetch(state, transport, until).await?;
        Ok(state.token.insert(token).clone())
    }

    /// Requests a token. An org that wants DPoP says so, and again that it wants its nonce: each
    /// is answered once.
    async fn fetch(&self, state: &mut State, transport: &Transport, until: Timestamp) -> Result<Token, Error> {
        let url = transport.address().url("/oauth2/v1/token")?;
        for _ in 0..3 {
            let build = |http: &reqwest::Client, now| self.token_request(http, state, &url, now);
            let raw = transport.send("token", until.into(), build).await?;
            if raw.status == 200 {
                return granted_token(&raw, &self.scopes, transport.now());
            }
            let refusal: Refusal = serde_json::from_str(&raw.body).unwrap_or_default();
            let nonce = raw.headers.get("dpop-nonce").and_then(|nonce| nonce.to_str().ok()).map(str::to_owned);
            match refusal.error.as_str() {
                "use_dpop_nonce" if nonce.is_some() && nonce != state.nonce => state.nonce = nonce,
                "invalid_dpop_proof" if state.proofs.is_none() => {}
                _ => return Err(rejected(&raw, &refusal, transport.address().host())),
            }
            if state.proofs.is_none() {
                state.proofs = Some(Proofs::generate().map_err(|error| Error::Failed(error.to_string()))?);
            }
        }
        Err(Error::Failed("Okta asked for a DPoP nonce again and again".to_owned()))
    }

    fn token_request(
        &self,
        http: &reqwest::Client,
        state: &State,
        url: &Url,
        now: Timestamp,
    ) -> Result<Request, Error> {
        let scope = self.scopes.join(" ");
        let mut form = vec![("grant_type", "client_credentials".to_owned()), ("scope", scope)];
        let mut request = http.post(url.clone()).header("accept", "application/json");
        match (&self.credentials, &self.key) {
            (Credentials::ClientSecret { client_id, client_secret }, _) => {
                let pair = BASE64_STANDARD.encode(format!("{client_id}:{}", client_secret.expose_secret()));
                request = request.header(AUTHORIZATION, sensitive(&format!("Basic {pair}"))?);
            }
            (Credentials::PrivateKey { client_id, .. }, Some(key)) => {
                let assertion =
                    key.assertion(client_id, url.as_str(), now).map_err(|error| Error::Failed(error.to_string()))?;
                form.push((
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
                ));
                form.push(("client_assertion", assertion));
            }
            (Credentials::PrivateKey { .. }, None) | (Credentials::Token(_), _) => {}
        }
        if let Some(proofs) = &state.proofs {
            let proof = proofs.proof("POST", url.as_str(), now, state.nonce.as_deref(), None);
            request = request.header("dpop", proof.map_err(|error| Error::Failed(error.to_string()))?);
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        request.build().map_err(|error| Error::Failed(error.without_url().to_string()))
    }
}

/// The credentials of one request.
#[derive(Debug)]
pub(super) struct Access {
    secret: SecretString,
    scheme: &'static str,
    proofs: Option<Proofs>,
}

impl Access {
    /// Puts them on a request for `url`; a DPoP proof is made for it, good for once.
    pub(super) fn put_on(
        &self,
        request: reqwest::RequestBuilder,
        method: &Method,
        url: &Url,
        now: Timestamp,
    ) -> Result<reqwest::RequestBuilder, Error> {
        let value = sensitive(&format!("{} {}", self.scheme, self.secret.expose_secret()))?;
        let request = request.header(AUTHORIZATION, value);
        let Some(proofs) = &self.proofs else { return Ok(request) };
        let proof = proofs.proof(method.as_str(), url.as_str(), now, None, Some(self.secret.expose_secret()));
        Ok(request.header("dpop", proof.map_err(|error| Error::Failed(error.to_string()))?))
    }
}

fn sensitive(value: &str) -> Result<HeaderValue, Error> {
    let mut header = HeaderValue::from_str(value).map_err(|_| {
        Error::Rejected("the secret's credentials hold characters that no HTTP header can: paste them again".to_owned())
    })?;
    header.set_sensitive(true);
    Ok(header)
}

#[derive(Deserialize)]
struct Grant {
    access_token: SecretString,
    #[serde(default)]
    token_type: String,
    #[serde(default)]
    expires_in: Option<i64>,
    #[serde(default)]
    scope: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    error: String,
    error_description: String,
}

/// An answer that names no scopes grants those that were asked for.
/// <https://www.rfc-editor.org/rfc/rfc6749#section-5.1>
fn granted_token(raw: &Raw, asked: &[&str], now: Timestamp) -> Result<Token, Error> {
    let grant: Grant = serde_json::from_str(&raw.body).map_err(|_| {
        Error::Failed("Okta's token answer holds no access_token: check the secret's domain".to_owned())
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

/// <https://developer.okta.com/docs/reference/error-codes/>
fn rejected(raw: &Raw, refusal: &Refusal, host: &str) -> Error {
    let what = match refusal.error.as_str() {
        "invalid_client" => {
            "check client_id, and client_secret or private_key, in the secret, and that the app is active in Okta"
                .to_owned()
        }
        "consent_required" | "access_denied" => {
            "grant the app its okta.*.read scopes in Okta (Applications, the app, Okta API Scopes)".to_owned()
        }
        "invalid_scope" => "the org's authorization server does not know a scope that was asked for".to_owned(),
        "" => format!("there is no Okta token endpoint at {host}: check the secret's domain"),
        _ => "see Okta's description".to_owned(),
    };
    let said = [refusal.error.as_str(), refusal.error_description.as_str()].join(" ");
    Error::Rejected(format!("Okta grants no access token (HTTP {} {}): {what}", raw.status, said.trim()))
}
