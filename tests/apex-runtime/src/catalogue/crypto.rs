//! `Crypto` (Apex Reference Guide, "Crypto Class"; messages from "Exceptions" of encrypt and decrypt there).
//! Certificates of the org, and SHA-1 in signatures, are not here.

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1,
    ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaKeyPair,
    UnparsedPublicKey, VerificationAlgorithm,
};
use aws_lc_rs::{digest, hmac};
use md5::Digest as _;

use super::blob::bytes;
use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Interrupt, Machine, Run};

/// Encryption takes at most this much at once.
const MAXIMUM_DATA: usize = 1_048_576;
const BLOCK: usize = 16;

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Crypto")
        .method(
            "static Blob generateDigest(String algorithm, Blob input)",
            generate_digest,
        )
        .method(
            "static Blob generateMac(String algorithm, Blob input, Blob privateKey)",
            generate_mac,
        )
        .method(
            "static Boolean verifyHMac(String algorithm, Blob input, Blob privateKey, Blob mac)",
            verify_mac,
        )
        .method(
            "static Blob sign(String algorithm, Blob input, Blob privateKey)",
            sign,
        )
        .method(
            "static Boolean verify(String algorithm, Blob data, Blob signature, Blob publicKey)",
            verify,
        )
        .method("static Blob generateAesKey(Integer size)", generate_key)
        .method(
            "static Blob encrypt(String algorithm, Blob privateKey, Blob vector, Blob clearText)",
            encrypt,
        )
        .method(
            "static Blob decrypt(String algorithm, Blob privateKey, Blob vector, Blob cipherText)",
            decrypt,
        )
        .method(
            "static Blob encryptWithManagedIV(String algorithm, Blob privateKey, Blob clearText)",
            encrypt_managed,
        )
        .method(
            "static Blob decryptWithManagedIV(String algorithm, Blob privateKey, Blob cipherText)",
            decrypt_managed,
        )
        .method("static Integer getRandomInteger()", random_integer)
        .method("static Long getRandomLong()", random_long);
}

/// Public code writes `SHA-256` and `SHA256`, `hmacSHA256` and `HMACSHA256`.
fn algorithm(m: &Machine<'_>, arguments: &[Value]) -> Run<String> {
    Ok(m.text(arguments, 0)?.to_ascii_uppercase())
}

fn unknown(m: &Machine<'_>, method: &str, name: &str) -> Interrupt {
    m.not_supported(format!("Crypto.{method} with {name}"))
}

fn generate_digest(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let name = algorithm(m, arguments)?;
    let input = bytes(m, arguments.get(1))?;
    let chosen = match name.replace('-', "").as_str() {
        "MD5" => return Ok(Value::Blob(md5::Md5::digest(&input).as_slice().into())),
        "SHA1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "SHA256" => &digest::SHA256,
        "SHA384" => &digest::SHA384,
        "SHA512" => &digest::SHA512,
        "SHA3256" => &digest::SHA3_256,
        "SHA3384" => &digest::SHA3_384,
        "SHA3512" => &digest::SHA3_512,
        _ => return Err(unknown(m, "generateDigest", &name)),
    };
    Ok(Value::Blob(digest::digest(chosen, &input).as_ref().into()))
}

/// RFC 2104 with MD5, which the other library leaves out.
fn hmac_md5(key: &[u8], input: &[u8]) -> Vec<u8> {
    const WIDTH: usize = 64;
    let mut padded = if key.len() > WIDTH {
        md5::Md5::digest(key).to_vec()
    } else {
        key.to_vec()
    };
    padded.resize(WIDTH, 0);
    let round = |mask: u8, message: &[u8]| {
        let mut text: Vec<u8> = padded.iter().map(|byte| byte ^ mask).collect();
        text.extend_from_slice(message);
        md5::Md5::digest(&text).to_vec()
    };
    round(0x5c, &round(0x36, input))
}

fn mac(m: &Machine<'_>, arguments: &[Value]) -> Run<Vec<u8>> {
    let name = algorithm(m, arguments)?;
    let input = bytes(m, arguments.get(1))?;
    let key = bytes(m, arguments.get(2))?;
    let chosen = match name.as_str() {
        "HMACMD5" => return Ok(hmac_md5(&key, &input)),
        "HMACSHA1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "HMACSHA256" => hmac::HMAC_SHA256,
        "HMACSHA384" => hmac::HMAC_SHA384,
        "HMACSHA512" => hmac::HMAC_SHA512,
        _ => return Err(unknown(m, "generateMac", &name)),
    };
    let key = hmac::Key::new(chosen, &key);
    Ok(hmac::sign(&key, &input).as_ref().to_vec())
}

fn generate_mac(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::Blob(mac(m, arguments)?.into()))
}

fn verify_mac(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let given = bytes(m, arguments.get(3))?;
    Ok(Value::Boolean(*mac(m, arguments)? == *given))
}

/// A private key in PKCS #8 form.
fn sign(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let name = algorithm(m, arguments)?;
    let input = bytes(m, arguments.get(1))?;
    let key = bytes(m, arguments.get(2))?;
    let bad_key = |m: &Machine<'_>| m.not_supported("Crypto.sign with this private key");
    let dice = SystemRandom::new();
    let padding = match name.as_str() {
        "RSA-SHA256" | "SHA256WITHRSA" => &RSA_PKCS1_SHA256,
        "RSA-SHA384" => &RSA_PKCS1_SHA384,
        "RSA-SHA512" => &RSA_PKCS1_SHA512,
        "ECDSA-SHA256" | "ECDSA-SHA384" => {
            let chosen = if name.ends_with("256") {
                &ECDSA_P256_SHA256_ASN1_SIGNING
            } else {
                &ECDSA_P384_SHA384_ASN1_SIGNING
            };
            let signature = EcdsaKeyPair::from_pkcs8(chosen, &key)
                .ok()
                .and_then(|pair| pair.sign(&dice, &input).ok())
                .ok_or_else(|| bad_key(m))?;
            return Ok(Value::Blob(signature.as_ref().into()));
        }
        _ => return Err(unknown(m, "sign", &name)),
    };
    let pair = RsaKeyPair::from_pkcs8(&key).ok().ok_or_else(|| bad_key(m))?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &dice, &input, &mut signature)
        .ok()
        .ok_or_else(|| bad_key(m))?;
    Ok(Value::Blob(signature.into()))
}

/// A public key in X.509 form.
fn verify(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let name = algorithm(m, arguments)?;
    let data = bytes(m, arguments.get(1))?;
    let signature = bytes(m, arguments.get(2))?;
    let key = bytes(m, arguments.get(3))?;
    let chosen: &dyn VerificationAlgorithm = match name.as_str() {
        "RSA-SHA256" => &RSA_PKCS1_2048_8192_SHA256,
        "RSA-SHA384" => &RSA_PKCS1_2048_8192_SHA384,
        "RSA-SHA512" => &RSA_PKCS1_2048_8192_SHA512,
        "ECDSA-SHA256" => &ECDSA_P256_SHA256_ASN1,
        "ECDSA-SHA384" => &ECDSA_P384_SHA384_ASN1,
        _ => return Err(unknown(m, "verify", &name)),
    };
    let right = DynamicKey { chosen, key: &key }.verify(&data, &signature);
    Ok(Value::Boolean(right))
}

/// A key whose algorithm is chosen while running.
struct DynamicKey<'k> {
    chosen: &'static dyn VerificationAlgorithm,
    key: &'k [u8],
}

impl DynamicKey<'_> {
    fn verify(&self, data: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self.chosen, self.key)
            .verify(data, signature)
            .is_ok()
    }
}

fn random_bytes(m: &Machine<'_>, count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        bytes.extend(m.host.random().to_be_bytes());
    }
    bytes.truncate(count);
    bytes
}

fn generate_key(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let bits = m.integer(arguments, 0)?;
    match bits {
        128 => Ok(Value::Blob(random_bytes(m, 16).into())),
        192 => Ok(Value::Blob(random_bytes(m, 24).into())),
        256 => Ok(Value::Blob(random_bytes(m, 32).into())),
        _ => Err(m.not_supported(format!("Crypto.generateAesKey({bits})"))),
    }
}

fn invalid(m: &Machine<'_>, words: impl Into<std::sync::Arc<str>>) -> Interrupt {
    m.raise("InvalidParameterValueException", words)
}

/// Algorithm, key, and the words Salesforce has for wrong ones.
fn cipher(m: &Machine<'_>, arguments: &[Value]) -> Run<UnboundCipherKey> {
    let name = m.text(arguments, 0)?;
    let (chosen, size): (&'static Algorithm, usize) = match &*name.to_ascii_uppercase() {
        "AES128" => (&AES_128, 16),
        "AES192" => (&AES_192, 24),
        "AES256" => (&AES_256, 32),
        _ => {
            let words = format!("Invalid algorithm {name}. Must be AES128, AES192, or AES256.");
            return Err(invalid(m, words));
        }
    };
    let key = bytes(m, arguments.get(1))?;
    let wrong = |m: &Machine<'_>| invalid(m, format!("Invalid private key. Must be {size} bytes."));
    if key.len() != size {
        return Err(wrong(m));
    }
    UnboundCipherKey::new(chosen, &key).ok().ok_or_else(|| wrong(m))
}

fn vector(m: &Machine<'_>, given: &[u8]) -> Run<FixedLength<BLOCK>> {
    match <[u8; BLOCK]>::try_from(given) {
        Ok(vector) => Ok(FixedLength::from(vector)),
        Err(_) => Err(invalid(m, "Invalid initialization vector. Must be 16 bytes.")),
    }
}

fn sealed(m: &Machine<'_>, key: UnboundCipherKey, vector_bytes: &[u8], data: &[u8]) -> Run<Vec<u8>> {
    if data.len() > MAXIMUM_DATA {
        let words = format!(
            "Invalid data. Input data is {} bytes, which exceeds the limit of {MAXIMUM_DATA} bytes.",
            data.len()
        );
        return Err(invalid(m, words));
    }
    let mut text = data.to_vec();
    let context = EncryptionContext::Iv128(vector(m, vector_bytes)?);
    let done =
        PaddedBlockEncryptingKey::cbc_pkcs7(key).and_then(|key| key.less_safe_encrypt(&mut text, context));
    match done {
        Ok(_) => Ok(text),
        Err(_) => Err(m.not_supported("Crypto.encrypt of this data")),
    }
}

fn opened(m: &Machine<'_>, key: UnboundCipherKey, vector_bytes: &[u8], data: &[u8]) -> Run<Value> {
    let mut text = data.to_vec();
    let context = DecryptionContext::Iv128(vector(m, vector_bytes)?);
    let clear = PaddedBlockDecryptingKey::cbc_pkcs7(key)
        .and_then(|key| key.decrypt(&mut text, context).map(|clear| clear.to_vec()));
    match clear {
        Ok(clear) => Ok(Value::Blob(clear.into())),
        Err(_) if data.len().is_multiple_of(BLOCK) => {
            Err(m.raise("SecurityException", "Given final block not properly padded."))
        }
        Err(_) => Err(m.not_supported("Crypto.decrypt of a text that is no whole number of blocks")),
    }
}

fn encrypt(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let key = cipher(m, arguments)?;
    let (vector, data) = (bytes(m, arguments.get(2))?, bytes(m, arguments.get(3))?);
    Ok(Value::Blob(sealed(m, key, &vector, &data)?.into()))
}

fn decrypt(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let key = cipher(m, arguments)?;
    let (vector, data) = (bytes(m, arguments.get(2))?, bytes(m, arguments.get(3))?);
    opened(m, key, &vector, &data)
}

/// The vector stands in the first sixteen bytes.
fn encrypt_managed(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let key = cipher(m, arguments)?;
    let data = bytes(m, arguments.get(2))?;
    let mut all = random_bytes(m, BLOCK);
    let text = sealed(m, key, &all, &data)?;
    all.extend(text);
    Ok(Value::Blob(all.into()))
}

fn decrypt_managed(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let key = cipher(m, arguments)?;
    let all = bytes(m, arguments.get(2))?;
    match all.split_at_checked(BLOCK) {
        Some((vector, data)) => opened(m, key, vector, data),
        None => {
            let words = "Unable to parse initialization vector from encrypted data.";
            Err(invalid(m, words))
        }
    }
}

fn random_integer(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    let [a, b, c, d, ..] = m.host.random().to_be_bytes();
    Ok(Value::Integer(i32::from_be_bytes([a, b, c, d])))
}

fn random_long(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Long(m.host.random().cast_signed()))
}
