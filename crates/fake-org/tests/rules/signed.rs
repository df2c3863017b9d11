//! Signed client assertions and DPoP proofs.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fake_org::{Client, Org, Request, Response};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::org;

const ID: &str = "0oaSigned";
const TOKEN_URL: &str = "https://acme.okta.com/oauth2/v1/token";

fn ec() -> (EncodingKey, Value) {
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .unwrap();
    with_public(
        EncodingKey::from_ec_der(document.as_ref()),
        Algorithm::ES256,
    )
}

fn rsa() -> (EncodingKey, Value) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    // PKCS#8 wraps a PKCS#1 key of this length in 26 bytes.
    with_public(
        EncodingKey::from_rsa_der(&der.as_ref()[26..]),
        Algorithm::RS256,
    )
}

fn with_public(key: EncodingKey, algorithm: Algorithm) -> (EncodingKey, Value) {
    let public = serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
    (key, public)
}

fn claims(org: &Org, jti: &str) -> Value {
    let now = org.now().as_second();
    json!({"iss": ID, "sub": ID, "aud": TOKEN_URL, "iat": now, "exp": now + 300, "jti": jti})
}

fn sign(key: &EncodingKey, algorithm: Algorithm, claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, key).unwrap()
}

fn request(assertion: &str) -> Request {
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let mut request = Request::new("POST", "/oauth2/v1/token").header("Host", "acme.okta.com");
    request.body = format!(
        "grant_type=client_credentials&scope=okta.users.read&client_assertion_type={kind}&client_assertion={assertion}"
    )
    .into_bytes();
    request
}

#[test]
fn assertions_of_both_key_types_are_verified() {
    for ((key, public), algorithm) in [(ec(), Algorithm::ES256), (rsa(), Algorithm::RS256)] {
        let mut org = org();
        org.add_client(Client::with_keys(ID, vec![public]));
        let good = sign(&key, algorithm, &claims(&org, "1"));
        assert_eq!(org.answer(&request(&good)).status, 200);
        let again = org.answer(&request(&good)).value()["error_description"].to_string();
        assert!(again.contains("already been used"), "{again}");
        let stranger = if algorithm == Algorithm::ES256 {
            ec().0
        } else {
            rsa().0
        };
        assert_eq!(
            org.answer(&request(&sign(&stranger, algorithm, &claims(&org, "2"))))
                .status,
            401
        );
    }
}

#[test]
fn audience_and_times_of_assertions_are_checked() {
    let (key, public) = ec();
    let mut org = org();
    org.add_client(Client::with_keys(ID, vec![public]));
    let now = org.now().as_second();
    for (claim, value) in [
        ("aud", json!("https://acme.okta.com")),
        ("exp", json!(now)),
        ("exp", json!(now + 3601)),
        ("iat", json!(now + 60)),
        ("iss", json!("other")),
    ] {
        let mut claims = claims(&org, "1");
        claims[claim] = value.clone();
        assert_eq!(
            org.answer(&request(&sign(&key, Algorithm::ES256, &claims)))
                .status,
            401,
            "{claim} {value}"
        );
    }
    let mut local = request(&sign(&key, Algorithm::ES256, &claims(&org, "1")));
    local.headers = vec![("host".into(), "127.0.0.1:4000".into())];
    let refused = org.answer(&local).value()["error_description"].to_string();
    assert!(
        refused.contains("http://127.0.0.1:4000/oauth2/v1/token"),
        "{refused}"
    );
}

struct Prover {
    key: EncodingKey,
    header: Header,
}

impl Prover {
    fn new() -> Self {
        let (key, public) = ec();
        let jwk = serde_json::from_value(public).unwrap();
        Self {
            key,
            header: Header {
                typ: Some("dpop+jwt".into()),
                jwk: Some(jwk),
                ..Header::new(Algorithm::ES256)
            },
        }
    }

    fn proof(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&self.header, claims, &self.key).unwrap()
    }
}

fn ask_token(org: &mut Org, proof: Option<String>) -> Response {
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{ID}:secret"));
    let mut request = Request::new("POST", "/oauth2/v1/token")
        .header("Host", "acme.okta.com")
        .authorized("Basic", &basic);
    request.body = b"grant_type=client_credentials&scope=okta.users.read".to_vec();
    if let Some(proof) = proof {
        request = request.header("DPoP", &proof);
    }
    org.answer(&request)
}

#[test]
fn dpop_asks_for_a_nonce_and_binds_the_token() {
    let mut org = org();
    org.add_client(Client::with_secret(ID, "secret").demanding_dpop());
    let prover = Prover::new();
    let now = org.now().as_second();
    assert_eq!(
        ask_token(&mut org, None).value()["error"],
        "invalid_dpop_proof"
    );
    let base = json!({"htm": "POST", "htu": TOKEN_URL, "iat": now, "jti": "1"});
    let refused = ask_token(&mut org, Some(prover.proof(&base)));
    assert_eq!(refused.value()["error"], "use_dpop_nonce");
    let nonce = refused.header_value("dpop-nonce").unwrap();
    let given = ask_token(
        &mut org,
        Some(prover.proof(
            &json!({"htm": "POST", "htu": TOKEN_URL, "iat": now, "jti": "2", "nonce": nonce}),
        )),
    )
    .value();
    assert_eq!(given["token_type"], "DPoP");
    let token = given["access_token"].as_str().unwrap();

    let ath = URL_SAFE_NO_PAD.encode(Sha256::digest(token));
    let api = json!({"htm": "GET", "htu": "https://acme.okta.com/api/v1/users", "iat": now, "jti": "3", "ath": ath});
    let ask = |org: &mut Org, scheme: &str, proof: &str| {
        let request = Request::get("/api/v1/users?limit=2")
            .header("Host", "acme.okta.com")
            .authorized(scheme, token);
        org.answer(&request.header("DPoP", proof))
    };
    let good = prover.proof(&api);
    assert_eq!(ask(&mut org, "DPoP", &good).status, 200);
    let replayed = ask(&mut org, "DPoP", &good);
    assert!(
        replayed
            .header_value("www-authenticate")
            .unwrap()
            .contains("invalid_dpop_proof")
    );
    assert_eq!(ask(&mut org, "Bearer", &good).status, 401);
    assert_eq!(
        ask(&mut org, "DPoP", &Prover::new().proof(&api)).status,
        400
    );
    for (claim, value) in [
        ("htm", json!("POST")),
        ("htu", json!("https://acme.okta.com/api/v1/users?limit=2")),
        ("iat", json!(now - 301)),
        ("ath", json!("x")),
    ] {
        let mut claims = api.clone();
        claims["jti"] = format!("{claim}-other").into();
        claims[claim] = value;
        assert_eq!(
            ask(&mut org, "DPoP", &prover.proof(&claims)).status,
            400,
            "{claim}"
        );
    }
}

#[test]
fn expired_nonces_are_asked_for_anew() {
    let mut org = org();
    org.add_client(Client::with_secret(ID, "secret").demanding_dpop());
    let prover = Prover::new();
    let mut number = 0;
    let mut ask = |org: &mut Org, nonce: Option<&str>| {
        number += 1;
        let now = org.now().as_second();
        ask_token(
            org,
            Some(prover.proof(
                &json!({"htm": "POST", "htu": TOKEN_URL, "iat": now, "jti": number.to_string(), "nonce": nonce}),
            )),
        )
    };
    let nonce = ask(&mut org, None)
        .header_value("dpop-nonce")
        .unwrap()
        .to_owned();
    org.expire_dpop_nonces();
    let refused = ask(&mut org, Some(&nonce));
    let fresh = refused.header_value("dpop-nonce").unwrap();
    assert_ne!(fresh, nonce);
    assert_eq!(ask(&mut org, Some(fresh)).status, 200);
}
