//! Access to an org: an OAuth token that is fetched when needed and kept while it lasts, or an
//! API token.
//! <https://developer.okta.com/docs/guides/build-api-integration/main/>
//! <https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/>

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::AUTHORIZATION;
use reqwest::{Method, RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::Error;
use super::answer::Raw;
use super::assertion::KeyError;
use super::dpop::Proofs;
use super::remedy::{self, Way};
use super::token::{Fetched, Issuer, Token, dated, sensitive};
use super::transport::Transport;
use crate::secret::{Credentials, Integration};

/// An integration's access to its org, kept across warm invocations for one version of its secret.
#[derive(Debug)]
pub struct Session {
    version: String,
    host: String,
    way: Way,
    scopes: Vec<&'static str>,
    credentials: Kept,
}

/// Where the credentials of requests come from.
#[derive(Debug)]
enum Kept {
    ApiToken(SecretString),
    OAuth(Box<Mutex<State>>),
}

#[derive(Debug)]
struct State {
    issuer: Issuer,
    token: Option<Token>,
    /// The API's newest DPoP nonce.
    nonce: Option<String>,
    /// Scopes that the org does not know.
    unknown: BTreeSet<&'static str>,
    /// Tokens that the run has given up because of a refusal.
    refused: u32,
}

/// Tokens that a run gives up because of a refusal: one endpoint may refuse every one.
const MOST_REFUSED: u32 = 3;

impl Session {
    /// Access for this integration to `scopes`; nothing is requested yet.
    ///
    /// # Errors
    /// Where the private key is not one that can sign.
    pub fn new(integration: &Integration, scopes: Vec<&'static str>) -> Result<Self, KeyError> {
        let (way, credentials) = match &integration.credentials {
            Credentials::Token(token) => (Way::Token, Kept::ApiToken(token.clone())),
            oauth => {
                let issuer = Issuer::new(oauth.clone())?;
                let way = issuer.way();
                let state = State {
                    issuer,
                    token: None,
                    nonce: None,
                    unknown: BTreeSet::new(),
                    refused: 0,
                };
                (way, Kept::OAuth(Box::new(Mutex::new(state))))
            }
        };
        let (version, host) = (integration.version.clone(), integration.host.clone());
        Ok(Self {
            version,
            host,
            way,
            scopes,
            credentials,
        })
    }

    /// Whether this access is for the same org, version of the secret and scopes.
    #[must_use]
    pub fn serves(&self, integration: &Integration, scopes: &[&'static str]) -> bool {
        self.version == integration.version
            && self.host == integration.host
            && self.scopes == scopes
    }

    /// How the function signs in.
    pub(super) fn way(&self) -> Way {
        self.way
    }

    /// Whether there is another token to be had.
    pub(super) fn is_renewable(&self) -> bool {
        self.way != Way::Token
    }

    /// Why a scope is not granted, and the remedy.
    pub(super) async fn missing(&self, scope: &str) -> String {
        match &self.credentials {
            Kept::OAuth(state) if state.lock().await.unknown.contains(scope) => {
                remedy::unknown_scope(scope)
            }
            _ => remedy::scope(self.way, scope),
        }
    }

    /// The scopes that the org grants; `None` where it does not say (an API token).
    /// A kept token that lacks a scope is not trusted: it may have been granted since.
    pub(super) async fn granted(
        &self,
        transport: &Transport,
        until: Timestamp,
    ) -> Result<Option<BTreeSet<String>>, Error> {
        let Kept::OAuth(state) = &self.credentials else {
            return Ok(None);
        };
        let mut state = state.lock().await;
        let wanted = state.known(&self.scopes);
        state
            .token
            .take_if(|token| !wanted.iter().all(|scope| token.scopes.contains(*scope)));
        Ok(Some(
            state.token(&self.scopes, transport, until).await?.scopes,
        ))
    }

    /// Puts the credentials on a request.
    pub(super) async fn authorize(
        &self,
        transport: &Transport,
        until: Timestamp,
    ) -> Result<Access, Error> {
        let state = match &self.credentials {
            Kept::ApiToken(token) => {
                return Ok(Access {
                    secret: token.clone(),
                    scheme: "SSWS",
                    proof: None,
                });
            }
            Kept::OAuth(state) => state,
        };
        let mut state = state.lock().await;
        let token = state.token(&self.scopes, transport, until).await?;
        if !token.is_dpop {
            return Ok(Access {
                secret: token.secret,
                scheme: "Bearer",
                proof: None,
            });
        }
        let (nonce, clock_ahead) = (state.nonce.clone(), state.issuer.clock_ahead());
        let proof = state.issuer.proofs().map(|proofs| Proof {
            proofs,
            nonce,
            clock_ahead,
        });
        Ok(Access {
            secret: token.secret,
            scheme: "DPoP",
            proof,
        })
    }

    /// Notes the nonce that an API answer brings; any answer may.
    pub(super) async fn note_nonce(&self, raw: &Raw) {
        if let (Some(nonce), Kept::OAuth(state)) = (raw.nonce(), &self.credentials) {
            state.lock().await.nonce = Some(nonce);
        }
    }

    /// Takes over the clock of an answer that refuses a proof.
    pub(super) async fn set_clock(&self, raw: &Raw) {
        if let Kept::OAuth(state) = &self.credentials {
            state.lock().await.issuer.set_clock(raw);
        }
    }

    /// Counts refusals from zero again.
    pub async fn begin_run(&self) {
        if let Kept::OAuth(state) = &self.credentials {
            state.lock().await.refused = 0;
        }
    }

    /// Whether another token than this one is kept by now.
    pub(super) async fn has_another(&self, used: &Access) -> bool {
        match &self.credentials {
            Kept::ApiToken(_) => false,
            Kept::OAuth(state) => !state.lock().await.keeps(used),
        }
    }

    /// Forgets a token that Okta no longer accepts, unless it was renewed meanwhile. Returns whether there is another
    /// one to be had in this run.
    pub(super) async fn forget(&self, used: &Access) -> bool {
        let Kept::OAuth(state) = &self.credentials else {
            return false;
        };
        let mut state = state.lock().await;
        if !state.keeps(used) {
            return true;
        }
        let may_renew = state.refused < MOST_REFUSED;
        if may_renew {
            state.refused += 1;
            state.token = None;
        }
        may_renew
    }
}

impl State {
    /// Whether this is the token that is kept.
    fn keeps(&self, used: &Access) -> bool {
        self.token
            .as_ref()
            .is_some_and(|token| token.secret.expose_secret() == used.secret.expose_secret())
    }

    fn known(&self, scopes: &[&'static str]) -> Vec<&'static str> {
        scopes
            .iter()
            .copied()
            .filter(|scope| !self.unknown.contains(scope))
            .collect()
    }

    /// The token that is kept, or a new one. A scope that the org does not know costs the others nothing.
    async fn token(
        &mut self,
        scopes: &[&'static str],
        transport: &Transport,
        until: Timestamp,
    ) -> Result<Token, Error> {
        if let Some(token) = self
            .token
            .as_ref()
            .filter(|token| transport.now() < token.renew_at)
        {
            return Ok(token.clone());
        }
        let wanted = self.known(scopes);
        let mut fetched = self.issuer.fetch(&wanted, transport, until).await?;
        if matches!(fetched, Fetched::UnknownScope(_)) {
            let known = self.issuer.known_of(&wanted, transport, until).await?;
            if !known.is_empty() {
                self.unknown
                    .extend(wanted.into_iter().filter(|scope| !known.contains(scope)));
                fetched = self.issuer.fetch(&known, transport, until).await?;
            }
        }
        match fetched {
            Fetched::Token(token) => Ok(self.token.insert(token).clone()),
            Fetched::Nothing(error) | Fetched::UnknownScope(error) => Err(error),
        }
    }
}

/// The credentials of one request.
#[derive(Debug)]
pub(super) struct Access {
    secret: SecretString,
    scheme: &'static str,
    proof: Option<Proof>,
}

/// The parts of a DPoP proof.
#[derive(Debug)]
struct Proof {
    proofs: Proofs,
    nonce: Option<String>,
    clock_ahead: SignedDuration,
}

impl Access {
    /// Whether its token is bound to a key, which each request proves.
    pub(super) fn is_bound(&self) -> bool {
        self.proof.is_some()
    }

    /// Puts them on a request for `url`; a DPoP proof is made for it, good for once.
    pub(super) fn put_on(
        &self,
        request: RequestBuilder,
        method: &Method,
        url: &Url,
        now: Timestamp,
    ) -> Result<RequestBuilder, Error> {
        let token = self.secret.expose_secret();
        let request = request.header(
            AUTHORIZATION,
            sensitive(&format!("{} {token}", self.scheme))?,
        );
        let Some(Proof {
            proofs,
            nonce,
            clock_ahead,
        }) = &self.proof
        else {
            return Ok(request);
        };
        let now = dated(now, *clock_ahead);
        let proof = proofs.proof(
            method.as_str(),
            url.as_str(),
            now,
            nonce.as_deref(),
            Some(token),
        );
        Ok(request.header(
            "dpop",
            proof.map_err(|error| Error::Failed(error.to_string()))?,
        ))
    }
}
