//! Signed client assertions (`private_key_jwt`) and DPoP proofs, verified against the org's clock.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::clients::Client;
use crate::message::Request;
use crate::org::Org;
use crate::refusal::Refusal;

const ALGORITHMS: [Algorithm; 5] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::ES256,
    Algorithm::ES384,
];
const LONGEST_ASSERTION_SECONDS: i64 = 3600;
const OLDEST_PROOF_SECONDS: i64 = 300;

#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    iat: Option<i64>,
    jti: Option<String>,
}

#[derive(Deserialize)]
struct Proof {
    htm: String,
    htu: String,
    iat: i64,
    jti: String,
    nonce: Option<String>,
    ath: Option<String>,
}

impl Org {
    /// Makes every DPoP nonce given out so far invalid.
    pub fn expire_dpop_nonces(&mut self) {
        self.dpop_nonce = None;
    }

    pub(crate) fn client_by_assertion(
        &mut self,
        request: &Request,
        text: &str,
    ) -> Result<Client, Refusal> {
        let invalid = |why: &str| Refusal::oauth(401, "invalid_client", why);
        let claims = unverified(text)
            .ok_or_else(|| invalid("The client_assertion token is not a valid JWT."))?;
        let client = self.client(claims["sub"].as_str().unwrap_or_default())?;
        let claims: Assertion = verified(text, &client.keys)
            .ok_or_else(|| invalid("The client_assertion signature is invalid."))?;
        if claims.iss != claims.sub {
            return Err(invalid(
                "The parameters 'iss' and 'sub' must be the client_id.",
            ));
        }
        let url = request.url(&self.options.domain);
        if claims.aud != url {
            return Err(invalid(&format!(
                "The audience claim for client_assertion must be the endpoint invoked for the request: {url}"
            )));
        }
        self.check_assertion_times(&claims).map_err(invalid)?;
        let fresh = claims.jti.is_none_or(|jti| {
            self.credentials
                .used_jtis
                .insert(format!("{}:{jti}", client.id))
        });
        if fresh {
            Ok(client)
        } else {
            Err(invalid("The client_assertion token has already been used."))
        }
    }

    fn check_assertion_times(&self, claims: &Assertion) -> Result<(), &'static str> {
        let now = self.now().as_second();
        if claims.exp <= now {
            return Err("The client_assertion token is expired.");
        }
        if claims.exp > now + LONGEST_ASSERTION_SECONDS {
            return Err("The client_assertion token has an expiration too far into the future.");
        }
        if claims.iat.is_some_and(|iat| iat > now) {
            return Err("The client_assertion token was issued in the future.");
        }
        Ok(())
    }

    /// The thumbprint of the key that a token is to be bound to, or `None` for a request without a proof.
    pub(crate) fn verify_token_proof(
        &mut self,
        request: &Request,
        required: bool,
    ) -> Result<Option<String>, Refusal> {
        let Some(text) = request.header_value("dpop") else {
            let missing = Refusal::oauth(
                400,
                "invalid_dpop_proof",
                "The DPoP proof JWT header is missing.",
            );
            return if required { Err(missing) } else { Ok(None) };
        };
        let refused = |why: &str| Refusal::oauth(400, "invalid_dpop_proof", why);
        let (proof, thumbprint) = self.verify_proof(request, text).map_err(refused)?;
        let nonce = self
            .dpop_nonce
            .get_or_insert_with(|| self.secrets.token(32))
            .clone();
        if proof.nonce.as_deref() != Some(&nonce) {
            self.log_challenge();
            let refusal = Refusal::oauth(
                400,
                "use_dpop_nonce",
                "Authorization server requires nonce in DPoP proof.",
            );
            return Err(refusal.with("DPoP-Nonce", nonce));
        }
        self.use_up(&proof).map_err(refused)?;
        Ok(Some(thumbprint))
    }

    /// Checks the proof that comes with a bound token.
    pub(crate) fn verify_api_proof(
        &mut self,
        request: &Request,
        token: &str,
        bound_to: Option<&str>,
    ) -> Result<(), Refusal> {
        let refused = |why: &str| {
            let challenge = format!(
                "DPoP algs=\"RS256 RS384 RS512 ES256 ES384\", error=\"invalid_dpop_proof\", error_description=\"{why}\""
            );
            Refusal::oauth(400, "invalid_dpop_proof", why).with("WWW-Authenticate", challenge)
        };
        let text = request
            .header_value("dpop")
            .ok_or_else(|| refused("The DPoP proof JWT header is missing."))?;
        let (proof, thumbprint) = self.verify_proof(request, text).map_err(refused)?;
        if self.options.api_nonce {
            let nonce = self
                .dpop_nonce
                .get_or_insert_with(|| self.secrets.token(32))
                .clone();
            if proof.nonce.as_deref() != Some(&nonce) {
                let challenge =
                    "DPoP error=\"use_dpop_nonce\", error_description=\"A nonce is required.\"";
                return Err(Refusal::empty(401)
                    .with("WWW-Authenticate", challenge)
                    .with("DPoP-Nonce", nonce));
            }
        }
        if proof.ath != Some(URL_SAFE_NO_PAD.encode(Sha256::digest(token))) {
            return Err(refused(
                "The DPoP proof's 'ath' does not match the access token.",
            ));
        }
        if bound_to != Some(thumbprint.as_str()) {
            return Err(refused(
                "The DPoP proof's key is not the one that the token is bound to.",
            ));
        }
        self.use_up(&proof).map_err(refused)
    }

    fn verify_proof(&self, request: &Request, text: &str) -> Result<(Proof, String), &'static str> {
        let header = header(text).ok_or("The DPoP proof is not a valid JWT.")?;
        if header["typ"] != "dpop+jwt" {
            return Err("The DPoP proof's 'typ' must be 'dpop+jwt'.");
        }
        if header["jwk"].get("d").is_some() {
            return Err("The DPoP proof's 'jwk' must not hold a private key.");
        }
        let key: Jwk = serde_json::from_value(header["jwk"].clone())
            .map_err(|_| "The DPoP proof has no 'jwk'.")?;
        let proof: Proof = verified(text, &[header["jwk"].clone()])
            .ok_or("The DPoP proof's signature or claims are invalid.")?;
        if proof.htm != request.method {
            return Err("The DPoP proof's 'htm' does not match the request.");
        }
        if proof.htu != request.url(&self.options.domain) {
            return Err("The DPoP proof's 'htu' does not match the request.");
        }
        let age = self.now().as_second() - proof.iat;
        if !(0..=OLDEST_PROOF_SECONDS).contains(&age) {
            return Err("The DPoP proof was issued in the future or is too old.");
        }
        let thumbprint = key
            .thumbprint(ThumbprintHash::SHA256)
            .map_err(|_| "The DPoP proof's key is unsupported.")?;
        Ok((proof, thumbprint))
    }

    fn use_up(&mut self, proof: &Proof) -> Result<(), &'static str> {
        let fresh = self
            .credentials
            .used_jtis
            .insert(format!("dpop:{}", proof.jti));
        if fresh {
            Ok(())
        } else {
            Err("The DPoP proof has already been used.")
        }
    }
}

fn header(token: &str) -> Option<Value> {
    part(token, 0)
}

fn unverified(token: &str) -> Option<Value> {
    part(token, 1)
}

fn part(token: &str, index: usize) -> Option<Value> {
    let part = token.split('.').nth(index)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The claims, if one of the keys verifies them; a `kid` in the header chooses among several keys.
fn verified<T: serde::de::DeserializeOwned>(token: &str, keys: &[Value]) -> Option<T> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    if !ALGORITHMS.contains(&header.alg) {
        return None;
    }
    // Times are checked against the org's clock, audiences by the callers.
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let fits = |key: &&Value| match (&header.kid, key["kid"].as_str()) {
        (Some(wanted), Some(kid)) => wanted == kid,
        (None, Some(_)) => keys.len() == 1,
        _ => true,
    };
    keys.iter().filter(fits).find_map(|key| {
        let key: Jwk = serde_json::from_value(key.clone()).ok()?;
        let key = DecodingKey::from_jwk(&key).ok()?;
        jsonwebtoken::decode::<T>(token, &key, &validation)
            .ok()
            .map(|token| token.claims)
    })
}
