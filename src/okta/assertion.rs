//! Signed client assertions (`private_key_jwt`): the secret's private key → a short-lived JWT for the token endpoint.
//! <https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/>

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use pem::Pem;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// How long an assertion may be used, in seconds; Okta takes up to an hour.
pub const LIFETIME_SECONDS: i64 = 300;

/// A private key that can sign assertions: parsed and checked, so a bad one shows before the first request.
#[derive(Debug, Clone)]
pub struct SigningKey {
    algorithm: Algorithm,
    key_id: Option<String>,
    key: EncodingKey,
}

/// Why a private key cannot be used: what is wrong with it and what to do. Never holds a part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// Neither a PEM nor a JWK.
    Unreadable,
    /// A PEM or JWK whose content does not parse or does not fit together.
    Damaged,
    /// Protected by a passphrase.
    Encrypted,
    /// The public half only.
    PublicKey,
    /// A certificate or a request for one.
    Certificate,
    /// More or fewer than one private key.
    NotOne,
    /// A kind, curve or container that cannot sign here.
    Unsupported,
    /// An RSA key below 2048 bits.
    TooShort,
    /// A JWK whose `alg` does not fit its kind of key.
    Algorithm,
    /// An RSA JWK without its primes.
    Incomplete,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "private_key is neither a PEM nor a JWK: put in the whole PEM file or the private JWK as JSON",
            Self::Damaged => "private_key is cut off or altered: put in the whole PEM file or JWK again, unchanged",
            Self::Encrypted => "private_key has a passphrase: put in the key as `openssl pkey -in key.pem` prints it, without",
            Self::PublicKey => "private_key is a public key: put in the private key that belongs to it",
            Self::Certificate => "private_key is a certificate: put in the private key, and its public key into the app in Okta",
            Self::NotOne => "private_key must hold one key: leave only the one whose public key is in the app in Okta",
            Self::Unsupported => {
                "private_key is of a kind that cannot sign here: use RSA of 2048 to 8192 bits, or EC on P-256 or P-384, \
                 as PEM (PKCS#8, PKCS#1, SEC1; `ssh-keygen -p -m PKCS8` converts an OpenSSH key) or JWK"
            }
            Self::TooShort => "private_key is RSA below 2048 bits: make a longer one and put its public key into the app in Okta",
            Self::Algorithm => {
                "private_key has an alg that does not fit it (RS256, RS384, RS512 for RSA; ES256 for P-256; ES384 for P-384): \
                 correct alg or leave it out"
            }
            Self::Incomplete => "private_key lacks some of n, e, d, p, q, dp, dq, qi: export the whole JWK, or put in the PEM",
        })
    }
}

impl std::error::Error for KeyError {}

/// The cryptographic library refused to sign.
#[derive(Debug)]
pub struct SigningError(jsonwebtoken::errors::Error);

impl fmt::Display for SigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the client assertion could not be signed: {}", self.0)
    }
}

impl std::error::Error for SigningError {}

/// The claims of an assertion. <https://www.rfc-editor.org/rfc/rfc7523#section-3>
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

impl SigningKey {
    /// Reads a private key: PEM (PKCS#8, PKCS#1, SEC1; also with `\n` spelled out or on one line), JWK, or a JWKS of
    /// one key. `key_id` goes before the JWK's own `kid`.
    ///
    /// A PEM signs with RS256, ES256 (P-256) or ES384 (P-384); a JWK's `alg` may also ask for RS384 or RS512.
    ///
    /// # Errors
    /// [`KeyError`] names the kind of text and the right one.
    pub fn parse(text: &SecretString, key_id: Option<&str>) -> Result<Self, KeyError> {
        let text = text.expose_secret().trim();
        let (own_id, algorithm, key) = if text.starts_with('{') {
            jwk(text)?
        } else {
            pem(text)?
        };
        let key_id = key_id
            .map(str::to_owned)
            .or(own_id)
            .filter(|id| !id.is_empty());
        Ok(Self {
            algorithm,
            key_id,
            key,
        })
    }

    /// A JWT that authenticates `client_id` at `token_url` once, until `now` + [`LIFETIME_SECONDS`].
    /// `token_url` is the URL that is requested, to the letter.
    ///
    /// # Errors
    /// [`SigningError`], if the cryptographic library fails.
    pub fn assertion(
        &self,
        client_id: &str,
        token_url: &str,
        now: Timestamp,
    ) -> Result<String, SigningError> {
        let header = Header {
            kid: self.key_id.clone(),
            ..Header::new(self.algorithm)
        };
        let iat = now.as_second();
        let claims = Claims {
            iss: client_id,
            sub: client_id,
            aud: token_url,
            iat,
            exp: iat + LIFETIME_SECONDS,
            jti: Uuid::new_v4().to_string(),
        };
        encode(&header, &claims, &self.key).map_err(SigningError)
    }
}

/// The key's own id, its algorithm, and the key.
type Parsed = (Option<String>, Algorithm, EncodingKey);

fn pem(text: &str) -> Result<Parsed, KeyError> {
    let text = unescaped(text);
    if !text.contains("-----BEGIN ") {
        return Err(KeyError::Unreadable);
    }
    // Neither a comma nor a space stands in Base64: the second is the `Proc-Type` line of a PKCS#1 or SEC1 PEM.
    if text.contains("BEGIN ENCRYPTED ") || text.contains(",ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    let block = private_block(pem::parse_many(text).map_err(|_| KeyError::Damaged)?)?;
    let (algorithm, key) = match block.tag() {
        "PRIVATE KEY" => pkcs8(block.contents())?,
        "RSA PRIVATE KEY" => rsa(RsaKeyPair::from_der(block.contents()).map_err(rejected)?)?,
        "EC PRIVATE KEY" => ec(block.contents())?,
        _ => return Err(KeyError::Unsupported),
    };
    Ok((None, algorithm, key))
}

/// A PEM that went through a JSON string, a form or another system's line ends, as lines again.
fn unescaped(text: &str) -> String {
    let text = text
        .replace("\\r", "\n")
        .replace("\\n", "\n")
        .replace('\\', "");
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The one private key among the blocks (`EC PARAMETERS` or a certificate may stand beside it).
fn private_block(blocks: Vec<Pem>) -> Result<Pem, KeyError> {
    let instead = match blocks.first().map(Pem::tag) {
        None => KeyError::Damaged,
        Some(tag) if tag.ends_with("PUBLIC KEY") => KeyError::PublicKey,
        Some(tag) if tag.contains("CERTIFICATE") => KeyError::Certificate,
        Some(_) => KeyError::Unsupported,
    };
    let mut private = blocks
        .into_iter()
        .filter(|block| block.tag().ends_with("PRIVATE KEY"));
    match (private.next(), private.next()) {
        (Some(block), None) => Ok(block),
        (Some(_), Some(_)) => Err(KeyError::NotOne),
        (None, _) => Err(instead),
    }
}

fn pkcs8(der: &[u8]) -> Result<(Algorithm, EncodingKey), KeyError> {
    match RsaKeyPair::from_pkcs8(der) {
        Ok(pair) => rsa(pair),
        Err(error) if error.description_() == "WrongAlgorithm" => {
            ec(der).map_err(|_| KeyError::Unsupported)
        }
        Err(error) => Err(rejected(error)),
    }
}

fn rsa(pair: RsaKeyPair) -> Result<(Algorithm, EncodingKey), KeyError> {
    let pkcs8 = AsDer::as_der(&pair).map_err(|_| KeyError::Damaged)?;
    let pem = pem::encode(&Pem::new("PRIVATE KEY", pkcs8.as_ref()));
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| KeyError::Damaged)?;
    Ok((Algorithm::RS256, key))
}

/// Why the library does not take an RSA key; only its words distinguish the reasons.
fn rejected(error: KeyRejected) -> KeyError {
    match error.description_() {
        "TooSmall" => KeyError::TooShort,
        "TooLarge" => KeyError::Unsupported,
        _ => KeyError::Damaged,
    }
}

const CURVES: [(Algorithm, &EcdsaSigningAlgorithm); 2] = [
    (Algorithm::ES256, &ECDSA_P256_SHA256_FIXED_SIGNING),
    (Algorithm::ES384, &ECDSA_P384_SHA384_FIXED_SIGNING),
];
const OTHER_CURVES: [&EcdsaSigningAlgorithm; 2] = [
    &ECDSA_P521_SHA512_FIXED_SIGNING,
    &ECDSA_P256K1_SHA256_FIXED_SIGNING,
];

/// An EC key as PKCS#8 or SEC1.
fn ec(der: &[u8]) -> Result<(Algorithm, EncodingKey), KeyError> {
    for (algorithm, curve) in CURVES {
        if let Ok(pair) = EcdsaKeyPair::from_private_key_der(curve, der) {
            return Ok((algorithm, ec_key(&pair)?));
        }
    }
    let sound = OTHER_CURVES
        .iter()
        .any(|curve| EcdsaKeyPair::from_private_key_der(curve, der).is_ok());
    Err(if sound {
        KeyError::Unsupported
    } else {
        KeyError::Damaged
    })
}

fn ec_key(pair: &EcdsaKeyPair) -> Result<EncodingKey, KeyError> {
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::Damaged)?;
    Ok(EncodingKey::from_ec_der(pkcs8.as_ref()))
}

/// A private JWK, or a JWKS of one. <https://www.rfc-editor.org/rfc/rfc7518#section-6>
fn jwk(json: &str) -> Result<Parsed, KeyError> {
    let json: Value = serde_json::from_str(json).map_err(|_| KeyError::Damaged)?;
    let jwk = match json.get("keys") {
        None => &json,
        Some(Value::Array(keys)) if keys.len() == 1 => &keys[0],
        Some(_) => return Err(KeyError::NotOne),
    };
    let (natural, key) = match text(jwk, "kty")?.ok_or(KeyError::Unreadable)? {
        "RSA" | "EC" if text(jwk, "d")?.is_none() => return Err(KeyError::PublicKey),
        "RSA" => rsa_jwk(jwk)?,
        "EC" => ec_jwk(jwk)?,
        _ => return Err(KeyError::Unsupported),
    };
    Ok((
        text(jwk, "kid")?.map(str::to_owned),
        asked(natural, text(jwk, "alg")?)?,
        key,
    ))
}

fn text<'a>(jwk: &'a Value, name: &str) -> Result<Option<&'a str>, KeyError> {
    match jwk.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyError::Damaged),
    }
}

/// A part of the key, as big-endian bytes.
fn part(jwk: &Value, name: &str, missing: KeyError) -> Result<Vec<u8>, KeyError> {
    let base64 = text(jwk, name)?.ok_or(missing)?.trim_end_matches('=');
    URL_SAFE_NO_PAD
        .decode(base64)
        .map_err(|_| KeyError::Damaged)
}

/// The algorithm that a JWK asks for, if it fits a key that by itself signs with `natural`.
fn asked(natural: Algorithm, alg: Option<&str>) -> Result<Algorithm, KeyError> {
    let Some(alg) = alg else { return Ok(natural) };
    let alg: Algorithm = alg.parse().map_err(|_| KeyError::Algorithm)?;
    let stronger =
        natural == Algorithm::RS256 && matches!(alg, Algorithm::RS384 | Algorithm::RS512);
    if alg == natural || stronger {
        Ok(alg)
    } else {
        Err(KeyError::Algorithm)
    }
}

fn rsa_jwk(jwk: &Value) -> Result<(Algorithm, EncodingKey), KeyError> {
    // Some exporters write the sign byte that RFC 7518 section 6.3.1.1 warns of.
    let unsigned = |bytes: Vec<u8>| {
        bytes
            .into_iter()
            .skip_while(|byte| *byte == 0)
            .collect::<Vec<_>>()
    };
    let number = |name| part(jwk, name, KeyError::Incomplete).map(unsigned);
    let components = KeyPairComponents {
        public_key: PublicKeyComponents {
            n: number("n")?,
            e: number("e")?,
        },
        d: number("d")?,
        p: number("p")?,
        q: number("q")?,
        dP: number("dp")?,
        dQ: number("dq")?,
        qInv: number("qi")?,
    };
    rsa(RsaKeyPair::from_components(&components).map_err(rejected)?)
}

fn ec_jwk(jwk: &Value) -> Result<(Algorithm, EncodingKey), KeyError> {
    let (algorithm, curve) = match text(jwk, "crv")?.ok_or(KeyError::Damaged)? {
        "P-256" => CURVES[0],
        "P-384" => CURVES[1],
        _ => return Err(KeyError::Unsupported),
    };
    let part = |name| part(jwk, name, KeyError::Damaged);
    // 4: both coordinates follow (SEC 1, section 2.3.3).
    let point = [vec![4], part("x")?, part("y")?].concat();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(curve, &part("d")?, &point)
        .map_err(|_| KeyError::Damaged)?;
    Ok((algorithm, ec_key(&pair)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use base64::engine::general_purpose::STANDARD;
    use jsonwebtoken::{DecodingKey, TokenData, Validation, decode};
    use serde_json::json;
    use simple_asn1::{ASN1Block, BigInt, BigUint, from_der, to_der};
    use std::sync::LazyLock;

    const CLIENT: &str = "0oa1";
    const TOKEN_URL: &str = "https://acme.okta.com/oauth2/v1/token";

    fn now() -> Timestamp {
        "2026-11-23T18:00:00.9Z".parse().unwrap()
    }

    fn parse(text: &str) -> Result<SigningKey, KeyError> {
        SigningKey::parse(&SecretString::from(text), None)
    }

    /// The claims, if `public` verifies the signature.
    fn verified(key: &SigningKey, algorithm: Algorithm, public: &DecodingKey) -> TokenData<Value> {
        let mut validation = Validation::new(algorithm);
        // The instant of these tests is not that of the machine's clock.
        validation.validate_exp = false;
        validation.set_audience(&[TOKEN_URL]);
        decode(
            key.assertion(CLIENT, TOKEN_URL, now()).unwrap(),
            public,
            &validation,
        )
        .unwrap()
    }

    fn pem(tag: &str, der: &[u8]) -> String {
        pem::encode(&Pem::new(tag, der))
    }

    fn b64(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// One RSA key in every form.
    struct Rsa {
        pkcs8: Vec<u8>,
        pkcs1: Vec<u8>,
        jwk: Value,
        public: DecodingKey,
        public_der: Vec<u8>,
    }

    static RSA: LazyLock<Rsa> = LazyLock::new(|| {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8 = AsDer::as_der(&pair).unwrap().as_ref().to_vec();
        let pkcs1 = match &from_der(&pkcs8).unwrap()[..] {
            [ASN1Block::Sequence(_, parts)] => match &parts[2] {
                ASN1Block::OctetString(_, pkcs1) => pkcs1.clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        let public_der = pair.public_key().as_ref().to_vec();
        Rsa {
            pkcs8,
            jwk: rsa_jwk_of(&pkcs1),
            pkcs1,
            public: DecodingKey::from_rsa_der(&public_der),
            public_der,
        }
    });

    fn rsa_jwk_of(pkcs1: &[u8]) -> Value {
        let numbers = match from_der(pkcs1).unwrap().remove(0) {
            ASN1Block::Sequence(_, numbers) => numbers,
            other => panic!("{other:?}"),
        };
        let mut jwk = json!({"kty": "RSA", "use": "sig"});
        for (name, number) in ["n", "e", "d", "p", "q", "dp", "dq", "qi"]
            .into_iter()
            .zip(numbers.iter().skip(1))
        {
            let ASN1Block::Integer(_, number) = number else {
                panic!("{number:?}")
            };
            jwk[name] = b64(number.to_bytes_be().1).into();
        }
        jwk
    }

    /// A sound PKCS#1 key of 1128 bits, whose primes everyone knows.
    fn short_rsa() -> Vec<u8> {
        let one = BigInt::from(1);
        let mersenne = |exponent: u32| -> BigInt { BigInt::from(2).pow(exponent) - 1 };
        let (p, q) = (mersenne(607), mersenne(521));
        let (e, p1, q1) = (BigInt::from(65537), &p - &one, &q - &one);
        let d = e.modinv(&(&p1 * &q1)).unwrap();
        let numbers = [
            BigInt::from(0),
            &p * &q,
            e,
            d.clone(),
            p.clone(),
            q.clone(),
            &d % &p1,
            &d % &q1,
            q.modinv(&p).unwrap(),
        ];
        to_der(&ASN1Block::Sequence(
            0,
            numbers.map(|number| ASN1Block::Integer(0, number)).to_vec(),
        ))
        .unwrap()
    }

    fn ec(curve: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
        EcdsaKeyPair::generate(curve).unwrap()
    }

    fn ec_jwk_of(pair: &EcdsaKeyPair, crv: &str) -> Value {
        use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
        let d: EcPrivateKeyBin = pair.private_key().as_be_bytes().unwrap();
        let point = &pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        json!({"kty": "EC", "crv": crv, "x": b64(x), "y": b64(y), "d": b64(d.as_ref())})
    }

    fn sec1(pair: &EcdsaKeyPair) -> Vec<u8> {
        use aws_lc_rs::encoding::EcPrivateKeyRfc5915Der;
        let der: EcPrivateKeyRfc5915Der = pair.private_key().as_der().unwrap();
        der.as_ref().to_vec()
    }

    #[test]
    fn an_assertion_says_who_asks_whom_and_until_when() {
        let token = verified(
            &parse(&pem("PRIVATE KEY", &RSA.pkcs8)).unwrap(),
            Algorithm::RS256,
            &RSA.public,
        );
        let iat = 1_795_456_800;
        let jti = token.claims["jti"].clone();
        assert_eq!(
            token.claims,
            json!({"iss": CLIENT, "sub": CLIENT, "aud": TOKEN_URL, "iat": iat, "exp": iat + 300, "jti": jti})
        );
        assert_eq!(
            serde_json::to_value(&token.header).unwrap(),
            json!({"typ": "JWT", "alg": "RS256"})
        );
    }

    #[test]
    fn no_two_assertions_share_a_jti() {
        let key = parse(&pem(
            "PRIVATE KEY",
            ec(CURVES[0].1).to_pkcs8v1().unwrap().as_ref(),
        ))
        .unwrap();
        let jti = |_| {
            let token: TokenData<Value> = jsonwebtoken::dangerous::insecure_decode(
                key.assertion(CLIENT, TOKEN_URL, now()).unwrap(),
            )
            .unwrap();
            token.claims["jti"].as_str().unwrap().to_owned()
        };
        let seen: std::collections::HashSet<String> = (0..100).map(jti).collect();
        assert_eq!(seen.len(), 100);
    }

    #[test]
    fn an_rsa_key_signs_from_every_form() {
        let jwk = RSA.jwk.to_string();
        let jwks = json!({"keys": [RSA.jwk]}).to_string();
        for text in [
            pem("PRIVATE KEY", &RSA.pkcs8),
            pem("RSA PRIVATE KEY", &RSA.pkcs1),
            jwk.clone(),
            format!(" {jwk}\n"),
            jwks,
        ] {
            verified(&parse(&text).unwrap(), Algorithm::RS256, &RSA.public);
        }
    }

    #[test]
    fn an_ec_key_signs_from_every_form() {
        for ((algorithm, curve), name) in CURVES.into_iter().zip(["P-256", "P-384"]) {
            let pair = ec(curve);
            let public = DecodingKey::from_ec_der(pair.public_key().as_ref());
            let parameters = pem("EC PARAMETERS", &[6, 8, 42, 134, 72, 206, 61, 3, 1, 7]);
            for text in [
                pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref()),
                pem("EC PRIVATE KEY", &sec1(&pair)),
                parameters + &pem("EC PRIVATE KEY", &sec1(&pair)),
                ec_jwk_of(&pair, name).to_string(),
            ] {
                verified(&parse(&text).unwrap(), algorithm, &public);
            }
        }
    }

    #[test]
    fn a_pem_is_taken_as_people_paste_it() {
        for (tag, der) in [("PRIVATE KEY", &RSA.pkcs8), ("RSA PRIVATE KEY", &RSA.pkcs1)] {
            let lines = pem(tag, der).replace("\r\n", "\n");
            for text in [
                lines.clone(),
                lines.replace('\n', "\r\n"),
                lines.replace('\n', "\\n"),
                lines.replace('\n', "\\r\\n"),
                lines.replace('\n', "\\\\n"),
                lines.replace('\n', "\\n\n"),
                lines.replace('\n', " "),
                lines.replace('\n', "\n    "),
                lines.replace('\n', "\n\n"),
                lines.replace('\n', ""),
                format!("  \n\t{lines}\n  "),
                format!("\"{}\"", lines.replace('\n', "\\n")),
                format!("Bag Attributes\n    friendlyName: okta\n{lines}"),
                lines.clone() + &pem("CERTIFICATE", b"beside it"),
            ] {
                let key = parse(&text).unwrap_or_else(|error| panic!("{error} for {tag}"));
                verified(&key, Algorithm::RS256, &RSA.public);
            }
        }
    }

    #[test]
    fn key_id_goes_before_the_kid_of_the_jwk() {
        let mut with_kid = RSA.jwk.clone();
        with_kid["kid"] = "own".into();
        let kid = |text: &str, key_id| {
            let key = SigningKey::parse(&SecretString::from(text), key_id).unwrap();
            verified(&key, Algorithm::RS256, &RSA.public).header.kid
        };
        assert_eq!(kid(&with_kid.to_string(), None).as_deref(), Some("own"));
        assert_eq!(
            kid(&json!({"keys": [with_kid]}).to_string(), None).as_deref(),
            Some("own")
        );
        assert_eq!(
            kid(&with_kid.to_string(), Some("given")).as_deref(),
            Some("given")
        );
        assert_eq!(
            kid(&pem("PRIVATE KEY", &RSA.pkcs8), Some("given")).as_deref(),
            Some("given")
        );
        assert_eq!(kid(&pem("PRIVATE KEY", &RSA.pkcs8), None), None);
        assert_eq!(kid(&RSA.jwk.to_string(), Some("")), None);
    }

    #[test]
    fn the_alg_of_a_jwk_is_used_if_it_fits_the_key() {
        let parse_as = |mut jwk: Value, alg: &str| {
            jwk["alg"] = alg.into();
            parse(&jwk.to_string())
        };
        for (name, algorithm) in [
            ("RS256", Algorithm::RS256),
            ("RS384", Algorithm::RS384),
            ("RS512", Algorithm::RS512),
        ] {
            verified(
                &parse_as(RSA.jwk.clone(), name).unwrap(),
                algorithm,
                &RSA.public,
            );
        }
        for name in ["ES256", "PS256", "HS256", "RSA-OAEP", "none", ""] {
            assert_eq!(
                parse_as(RSA.jwk.clone(), name).err(),
                Some(KeyError::Algorithm),
                "{name}"
            );
        }
        let p384 = ec_jwk_of(&ec(CURVES[1].1), "P-384");
        assert!(parse_as(p384.clone(), "ES384").is_ok());
        for name in ["ES256", "ES512", "RS256"] {
            assert_eq!(
                parse_as(p384.clone(), name).err(),
                Some(KeyError::Algorithm),
                "{name}"
            );
        }
    }

    #[test]
    fn numbers_of_an_rsa_jwk_may_carry_a_sign_byte_and_padding() {
        let mut jwk = RSA.jwk.clone();
        for name in ["n", "p", "q", "d"] {
            let number = URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
            jwk[name] = base64::engine::general_purpose::URL_SAFE
                .encode([vec![0], number].concat())
                .into();
        }
        verified(
            &parse(&jwk.to_string()).unwrap(),
            Algorithm::RS256,
            &RSA.public,
        );
    }

    #[test]
    fn what_is_not_a_private_key_is_named() {
        let spki = pem("PUBLIC KEY", &RSA.public_der);
        let traditional = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----";
        let (mut public_rsa, mut public_ec) =
            (RSA.jwk.clone(), ec_jwk_of(&ec(CURVES[0].1), "P-256"));
        public_rsa
            .as_object_mut()
            .unwrap()
            .retain(|name, _| ["kty", "n", "e"].contains(&name.as_str()));
        public_ec.as_object_mut().unwrap().remove("d");
        for (text, expected) in [
            (String::new(), KeyError::Unreadable),
            ("0oaNotAKey".into(), KeyError::Unreadable),
            (STANDARD.encode(&RSA.pkcs8), KeyError::Unreadable),
            (
                r#"{"domain": "acme.okta.com"}"#.into(),
                KeyError::Unreadable,
            ),
            (spki, KeyError::PublicKey),
            (pem("RSA PUBLIC KEY", &RSA.public_der), KeyError::PublicKey),
            (public_rsa.to_string(), KeyError::PublicKey),
            (public_ec.to_string(), KeyError::PublicKey),
            (
                json!({"keys": [public_ec]}).to_string(),
                KeyError::PublicKey,
            ),
            (pem("CERTIFICATE", b"cert"), KeyError::Certificate),
            (
                pem("CERTIFICATE REQUEST", b"request"),
                KeyError::Certificate,
            ),
            (pem("ENCRYPTED PRIVATE KEY", b"sealed"), KeyError::Encrypted),
            (
                pem("ENCRYPTED PRIVATE KEY", b"sealed").replace("\r\n", "\\n"),
                KeyError::Encrypted,
            ),
            (traditional.to_owned(), KeyError::Encrypted),
            (traditional.replace('\n', "\\n"), KeyError::Encrypted),
        ] {
            assert_eq!(parse(&text).err(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_key_that_cannot_sign_here_is_refused() {
        let short = short_rsa();
        let (p521, k256) = (ec(OTHER_CURVES[0]), ec(OTHER_CURVES[1]));
        let ed25519 = Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap();
        for (text, expected) in [
            (pem("RSA PRIVATE KEY", &short), KeyError::TooShort),
            (pem("PRIVATE KEY", &pkcs8_of(&short)), KeyError::TooShort),
            (rsa_jwk_of(&short).to_string(), KeyError::TooShort),
            (
                pem("PRIVATE KEY", p521.to_pkcs8v1().unwrap().as_ref()),
                KeyError::Unsupported,
            ),
            (pem("EC PRIVATE KEY", &sec1(&p521)), KeyError::Unsupported),
            (pem("EC PRIVATE KEY", &sec1(&k256)), KeyError::Unsupported),
            (ec_jwk_of(&p521, "P-521").to_string(), KeyError::Unsupported),
            (pem("PRIVATE KEY", ed25519.as_ref()), KeyError::Unsupported),
            (
                r#"{"kty": "OKP", "crv": "Ed25519", "d": "AA", "x": "AA"}"#.into(),
                KeyError::Unsupported,
            ),
            (r#"{"kty": "oct", "k": "AA"}"#.into(), KeyError::Unsupported),
            (pem("OPENSSH PRIVATE KEY", b"ssh"), KeyError::Unsupported),
            (pem("DSA PRIVATE KEY", b"dsa"), KeyError::Unsupported),
        ] {
            assert_eq!(parse(&text).err(), Some(expected), "{text}");
        }
    }

    fn pkcs8_of(pkcs1: &[u8]) -> Vec<u8> {
        let rsa_encryption = [1u32, 2, 840, 113549, 1, 1, 1].map(BigUint::from).to_vec();
        let oid = simple_asn1::OID::new(rsa_encryption);
        let kind = ASN1Block::Sequence(
            0,
            vec![ASN1Block::ObjectIdentifier(0, oid), ASN1Block::Null(0)],
        );
        let key = ASN1Block::OctetString(0, pkcs1.to_vec());
        to_der(&ASN1Block::Sequence(
            0,
            vec![ASN1Block::Integer(0, BigInt::from(0)), kind, key],
        ))
        .unwrap()
    }

    #[test]
    fn exactly_one_private_key_is_wanted() {
        let text = pem("PRIVATE KEY", &RSA.pkcs8);
        assert_eq!(parse(&(text.clone() + &text)).err(), Some(KeyError::NotOne));
        assert_eq!(
            parse(&json!({"keys": [RSA.jwk, RSA.jwk]}).to_string()).err(),
            Some(KeyError::NotOne)
        );
        assert_eq!(parse(r#"{"keys": []}"#).err(), Some(KeyError::NotOne));
        assert_eq!(parse(r#"{"keys": "x"}"#).err(), Some(KeyError::NotOne));
    }

    #[test]
    fn a_damaged_key_shows_when_it_is_parsed() {
        let text = pem("PRIVATE KEY", &RSA.pkcs8);
        let changed = |name: &str, value: Value| {
            let mut jwk = RSA.jwk.clone();
            jwk[name] = value;
            jwk.to_string()
        };
        let mut bent = RSA.pkcs8.clone();
        bent[600] ^= 1;
        let (one, other) = (ec(CURVES[0].1), ec(CURVES[0].1));
        let mut mixed = ec_jwk_of(&one, "P-256");
        mixed["d"] = ec_jwk_of(&other, "P-256")["d"].clone();
        let mut without_y = ec_jwk_of(&one, "P-256");
        without_y.as_object_mut().unwrap().remove("y");
        for damaged in [
            text[..text.len() / 2].to_owned(),
            text.replacen("-----END PRIVATE", "-----END PUBLIC", 1),
            pem("PRIVATE KEY", &RSA.pkcs8[..600]),
            pem("PRIVATE KEY", &bent),
            pem("PRIVATE KEY", b""),
            pem("RSA PRIVATE KEY", &RSA.pkcs8),
            pem("EC PRIVATE KEY", &RSA.pkcs1),
            "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----".to_owned(),
            "{not json".to_owned(),
            changed("d", RSA.jwk["n"].clone()),
            changed("p", "*".into()),
            changed("kid", 7.into()),
            mixed.to_string(),
            without_y.to_string(),
        ] {
            assert_eq!(parse(&damaged).err(), Some(KeyError::Damaged), "{damaged}");
        }
        for part in ["n", "e", "p", "q", "dp", "dq", "qi"] {
            assert_eq!(
                parse(&changed(part, Value::Null)).err(),
                Some(KeyError::Incomplete),
                "{part}"
            );
        }
    }

    #[test]
    fn a_key_does_not_print() {
        let text = format!("{:?}", parse(&RSA.jwk.to_string()).unwrap());
        assert!(text.contains("RS256") && text.len() < 200, "{text}");
        for number in ["d", "p", "q"] {
            let bytes = URL_SAFE_NO_PAD
                .decode(RSA.jwk[number].as_str().unwrap())
                .unwrap();
            assert!(
                !text.contains(&format!("{bytes:?}")[1..40])
                    && !text.contains(RSA.jwk[number].as_str().unwrap())
            );
        }
    }

    #[test]
    fn every_error_says_what_to_do() {
        for error in [
            KeyError::Unreadable,
            KeyError::Damaged,
            KeyError::Encrypted,
            KeyError::PublicKey,
            KeyError::Certificate,
            KeyError::NotOne,
            KeyError::Unsupported,
            KeyError::TooShort,
            KeyError::Algorithm,
            KeyError::Incomplete,
        ] {
            let text = error.to_string();
            assert!(
                text.starts_with("private_key ") && text.contains(": ") && !text.ends_with('.'),
                "{text}"
            );
        }
    }
}
