//! DPoP proofs: each request's own JWT that shows the access token to be in its owner's hands.
//! <https://www.rfc-editor.org/rfc/rfc9449#section-4>, <https://developer.okta.com/docs/guides/dpop/main/>

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::jwk::{CommonParameters, Jwk};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Makes proofs with one ES256 key pair. Make it once per process: a DPoP token is bound to the key that it was asked
/// for with.
#[derive(Debug, Clone)]
pub struct Proofs {
    key: EncodingKey,
    header: Header,
}

/// The cryptographic library could not make a key pair or a proof.
#[derive(Debug)]
pub enum ProofError {
    /// No key pair.
    Key,
    /// No signature.
    Signing(jsonwebtoken::errors::Error),
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str("no key pair could be generated for DPoP"),
            Self::Signing(error) => write!(f, "the DPoP proof could not be signed: {error}"),
        }
    }
}

impl std::error::Error for ProofError {}

/// The claims of a proof. <https://www.rfc-editor.org/rfc/rfc9449#section-4.2>
#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

impl Proofs {
    /// Generates the key pair.
    ///
    /// # Errors
    /// [`ProofError`], if the cryptographic library fails.
    pub fn generate() -> Result<Self, ProofError> {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map_err(|_| ProofError::Key)?;
        let key = EncodingKey::from_ec_der(pkcs8.as_ref());
        let public = Jwk::from_encoding_key(&key, Algorithm::ES256).map_err(|_| ProofError::Key)?;
        let jwk = Jwk {
            common: CommonParameters::default(),
            ..public
        };
        let header = Header {
            typ: Some("dpop+jwt".to_owned()),
            jwk: Some(jwk),
            ..Header::new(Algorithm::ES256)
        };
        Ok(Self { key, header })
    }

    /// A proof for one request, good for one use within five minutes of `now`.
    ///
    /// `method` is the request's, in capitals; `url` the one requested (query and fragment are left out here);
    /// `nonce` the newest `DPoP-Nonce` of the same server (token endpoint or API); `access_token` goes with every API
    /// request.
    ///
    /// # Errors
    /// [`ProofError`], if the cryptographic library fails.
    pub fn proof(
        &self,
        method: &str,
        url: &str,
        now: Timestamp,
        nonce: Option<&str>,
        access_token: Option<&str>,
    ) -> Result<String, ProofError> {
        let claims = Claims {
            jti: Uuid::new_v4().to_string(),
            htm: method,
            htu: url.split(['?', '#']).next().unwrap_or(url),
            iat: now.as_second(),
            nonce,
            ath: access_token.map(|token| URL_SAFE_NO_PAD.encode(Sha256::digest(token))),
        };
        encode(&self.header, &claims, &self.key).map_err(ProofError::Signing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, TokenData, Validation, decode, decode_header};
    use serde_json::{Value, json};

    const URL: &str = "https://acme.okta.com/oauth2/v1/token";

    fn now() -> Timestamp {
        "2026-11-23T18:00:00.9Z".parse().unwrap()
    }

    /// The proof's content, if the key in its own header verifies the signature.
    fn verified(proof: &str) -> TokenData<Value> {
        let jwk = decode_header(proof).unwrap().jwk.unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        // A proof has neither `exp` nor `aud`.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        decode(proof, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).unwrap()
    }

    fn claims(proof: &str) -> Value {
        let mut claims = verified(proof).claims;
        assert!(
            claims
                .as_object_mut()
                .unwrap()
                .remove("jti")
                .unwrap()
                .as_str()
                .unwrap()
                .len()
                >= 32
        );
        claims
    }

    #[test]
    fn a_proof_names_method_url_and_time() {
        let proofs = Proofs::generate().unwrap();
        let proof = proofs.proof("POST", URL, now(), None, None).unwrap();
        assert_eq!(
            claims(&proof),
            json!({"htm": "POST", "htu": URL, "iat": 1_795_456_800})
        );
    }

    #[test]
    fn a_nonce_is_repeated_and_a_token_is_hashed() {
        let proofs = Proofs::generate().unwrap();
        let proof = proofs
            .proof(
                "GET",
                URL,
                now(),
                Some("n1"),
                Some("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
            )
            .unwrap();
        // The token and its hash are the example of RFC 9449 section 7.1.
        let ath = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";
        assert_eq!(
            claims(&proof),
            json!({"htm": "GET", "htu": URL, "iat": 1_795_456_800, "nonce": "n1", "ath": ath})
        );
    }

    #[test]
    fn htu_is_the_requested_url_without_query_and_fragment() {
        let proofs = Proofs::generate().unwrap();
        for (url, expected) in [
            (
                "https://acme.okta.com/api/v1/users?limit=200&after=x%2Fy",
                "https://acme.okta.com/api/v1/users",
            ),
            (
                "https://acme.okta.com/api/v1/users#top",
                "https://acme.okta.com/api/v1/users",
            ),
            ("https://acme.okta.com/a?b#c?d", "https://acme.okta.com/a"),
            ("https://acme.okta.com/a#b?c", "https://acme.okta.com/a"),
            (
                "http://127.0.0.1:9000/a//b%20c/",
                "http://127.0.0.1:9000/a//b%20c/",
            ),
        ] {
            assert_eq!(
                claims(&proofs.proof("GET", url, now(), None, None).unwrap())["htu"],
                expected
            );
        }
    }

    #[test]
    fn the_header_carries_the_public_key_and_nothing_else_of_it() {
        let proof = Proofs::generate()
            .unwrap()
            .proof("GET", URL, now(), None, None)
            .unwrap();
        let header: Value = serde_json::from_slice(
            &URL_SAFE_NO_PAD
                .decode(proof.split('.').next().unwrap())
                .unwrap(),
        )
        .unwrap();
        let (x, y) = (header["jwk"]["x"].clone(), header["jwk"]["y"].clone());
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        assert_eq!(
            header,
            json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk})
        );
    }

    #[test]
    fn every_proof_has_its_own_jti_and_the_same_key() {
        let proofs = Proofs::generate().unwrap();
        let made: Vec<_> = (0..100)
            .map(|_| verified(&proofs.proof("GET", URL, now(), None, None).unwrap()))
            .collect();
        let distinct: std::collections::HashSet<_> = made
            .iter()
            .map(|proof| proof.claims["jti"].as_str().unwrap())
            .collect();
        assert_eq!(distinct.len(), 100);
        assert!(
            made.iter()
                .all(|proof| proof.header.jwk == made[0].header.jwk)
        );
        let other = verified(
            &Proofs::generate()
                .unwrap()
                .proof("GET", URL, now(), None, None)
                .unwrap(),
        );
        assert_ne!(other.header.jwk, made[0].header.jwk);
    }

    #[test]
    fn a_changed_proof_does_not_verify() {
        let proof = Proofs::generate()
            .unwrap()
            .proof("GET", URL, now(), None, None)
            .unwrap();
        let parts: Vec<&str> = proof.split('.').collect();
        let forged = URL_SAFE_NO_PAD.encode(r#"{"htm":"DELETE"}"#);
        let key = DecodingKey::from_jwk(&decode_header(&proof).unwrap().jwk.unwrap()).unwrap();
        let message = |claims: &str| format!("{}.{claims}", parts[0]);
        let verify = |claims: &str| {
            jsonwebtoken::crypto::verify(
                parts[2],
                message(claims).as_bytes(),
                &key,
                Algorithm::ES256,
            )
        };
        assert!(verify(parts[1]).unwrap());
        assert!(!verify(&forged).unwrap());
    }

    #[test]
    fn the_key_pair_does_not_print() {
        let proofs = Proofs::generate().unwrap();
        assert!(format!("{proofs:?}").contains("[redacted]"));
    }
}
