//! A self-signed X.509 certificate, written by hand: what an admin uploads to an app.

#![cfg(test)]

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};

use crate::client::{Key, pem};

/// A version 1 certificate over the key, in PEM.
pub fn self_signed(key: &Key) -> String {
    let public: PublicKeyX509Der<'_> = key.pair.public_key().as_der().expect("SPKI");
    // sha256WithRSAEncryption, 1.2.840.113549.1.1.11
    let object_id = der(0x06, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]]);
    let algorithm = der(0x30, &[&object_id, &[0x05, 0x00]]);
    // CN=test
    let attribute = der(
        0x30,
        &[&der(0x06, &[&[0x55, 0x04, 0x03]]), &der(0x0c, &[b"test"])],
    );
    let name = der(0x30, &[&der(0x31, &[&attribute])]);
    let validity = der(
        0x30,
        &[&der(0x17, &[b"260101000000Z"]), &der(0x17, &[b"360101000000Z"])],
    );
    let serial = der(0x02, &[&[1]]);
    let to_sign = der(
        0x30,
        &[&serial, &algorithm, &name, &validity, &name, public.as_ref()],
    );
    let mut signature = vec![0; key.pair.public_modulus_len()];
    key.pair
        .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &to_sign, &mut signature)
        .expect("a signature");
    let signature = der(0x03, &[&[0], &signature]);
    pem("CERTIFICATE", &der(0x30, &[&to_sign, &algorithm, &signature]))
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).expect("a short value").to_be_bytes();
    let mut encoded = vec![tag];
    match content.len() {
        0..=127 => encoded.push(length[1]),
        128..=255 => encoded.extend([0x81, length[1]]),
        _ => encoded.extend([0x82, length[0], length[1]]),
    }
    encoded.extend(content);
    encoded
}
