//! Key pairs of service apps: private as PEM, public as JWK.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use simple_asn1::{ASN1Block, from_der};

pub struct Keys {
    pub private: String,
    pub public: Value,
}

fn pem(der: &[u8]) -> String {
    pem::encode(&pem::Pem::new("PRIVATE KEY", der))
}

pub fn rsa() -> Keys {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let Some(ASN1Block::Sequence(_, numbers)) = from_der(pair.public_key().as_ref()).unwrap().pop()
    else {
        panic!("a public key is a sequence of two numbers")
    };
    let text = |at: usize| match &numbers[at] {
        ASN1Block::Integer(_, number) => URL_SAFE_NO_PAD.encode(number.to_bytes_be().1),
        other => panic!("{other:?}"),
    };
    let public = json!({"kty": "RSA", "use": "sig", "kid": "rsa-1", "n": text(0), "e": text(1)});
    Keys {
        private: pem(AsDer::as_der(&pair).unwrap().as_ref()),
        public,
    }
}

pub fn ec() -> Keys {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let text = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let public = json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": "ec-1", "x": text(x), "y": text(y)});
    Keys {
        private: pem(pair.to_pkcs8v1().unwrap().as_ref()),
        public,
    }
}
