//! A plain HTTP client with real signatures, and an organisation to point it at.

#![cfg(test)]

use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emulated_org::tokens::Session;
use emulated_org::{App, EmulatedOrg, NewUser, Options};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value as Json, json};

pub const CONSUMER_KEY: &str = "3MVG9.test.consumer.key";
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub const V: &str = "/services/data/v68.0";

/// An RSA key made for this test run.
pub struct Key {
    pub private_pem: String,
    pub public_pem: String,
    pub pair: KeyPair,
}

impl Key {
    pub fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
        let private: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS#8");
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("SPKI");
        let private_pem = pem("PRIVATE KEY", private.as_ref());
        let public_pem = pem("PUBLIC KEY", public.as_ref());
        Self {
            private_pem,
            public_pem,
            pair,
        }
    }

    /// The key that the registered app signs with.
    pub fn of_app() -> &'static Self {
        static KEY: OnceLock<Key> = OnceLock::new();
        KEY.get_or_init(Self::generate)
    }

    pub fn sign(&self, algorithm: Algorithm, claims: &Json) -> String {
        let key = EncodingKey::from_rsa_pem(self.private_pem.as_bytes()).expect("a signing key");
        jsonwebtoken::encode(&Header::new(algorithm), claims, &key).expect("a signed assertion")
    }
}

pub fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<String> = STANDARD
        .encode(der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The answer's only error: status, code, message, fields.
    pub fn error(&self) -> (u16, String, String, Vec<String>) {
        let body = self.json();
        let errors = body
            .as_array()
            .unwrap_or_else(|| panic!("no array of errors: {body}"));
        assert_eq!(errors.len(), 1, "{body}");
        let text = |name: &str| errors[0][name].as_str().unwrap_or_default().to_owned();
        let fields = errors[0]["fields"].as_array().cloned().unwrap_or_default();
        let fields = fields
            .iter()
            .map(|field| field.as_str().unwrap_or_default().to_owned())
            .collect();
        (self.status, text("errorCode"), text("message"), fields)
    }

    /// Status and code of the answer's only error.
    pub fn refusal(&self) -> (u16, String) {
        let (status, code, _, _) = self.error();
        (status, code)
    }

    /// The id of the record that was made.
    #[track_caller]
    pub fn id(&self) -> String {
        assert_eq!(self.status, 201, "{}", self.text);
        self.json()["id"].as_str().expect("an id").to_owned()
    }
}

/// An organisation with one registered app, and a session of its administrator.
pub struct Client {
    pub org: EmulatedOrg,
    pub http: reqwest::Client,
    pub token: String,
}

impl Client {
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub async fn start_with(options: Options) -> Self {
        let org = EmulatedOrg::start(options)
            .await
            .expect("the organisation starts");
        org.register_app(App::pre_authorized(CONSUMER_KEY, &*Key::of_app().public_pem))
            .expect("the key is taken");
        // The server closes what is idle for five seconds: a connection that old is not used again.
        let http = reqwest::Client::builder()
            .pool_idle_timeout(Duration::from_secs(2))
            .build()
            .expect("a client");
        let mut client = Self {
            org,
            http,
            token: String::new(),
        };
        client.log_in().await;
        client
    }

    pub async fn log_in(&mut self) {
        let answer = self
            .ask_token(&Key::of_app().sign(Algorithm::RS256, &self.claims()))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.token = answer.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
    }

    /// Claims that are right in every way.
    pub fn claims(&self) -> Json {
        json!({
            "iss": CONSUMER_KEY,
            "sub": self.org.admin_username(),
            "aud": self.org.url(),
            "exp": self.org.clock().now().timestamp() + 180,
        })
    }

    pub async fn ask_token(&self, assertion: &str) -> Answer {
        self.post_form(
            "/services/oauth2/token",
            &[("grant_type", JWT_BEARER), ("assertion", assertion)],
        )
        .await
    }

    pub async fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(self.http.post(self.url(path)).form(form)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Json) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Json) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn post_owned(&self, path: String, body: Json) -> Answer {
        self.post(&path, &body).await
    }

    pub async fn patch_owned(&self, path: String, body: Json) -> Answer {
        self.patch(&path, &body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// A request in this client's session.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url(path)).bearer_auth(&self.token)
    }

    /// The head of an answer, its body still to be read.
    pub async fn send_only(&self, request: reqwest::RequestBuilder) -> reqwest::Response {
        request.send().await.expect("an answer")
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = self.send_only(request).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer {
            status,
            headers,
            text: response.text().await.expect("a body"),
        }
    }

    /// Makes a record and answers its id.
    pub async fn create(&self, object: &str, fields: Json) -> String {
        self.post(&format!("{V}/sobjects/{object}"), &fields).await.id()
    }

    /// Reads a record, which must be there.
    pub async fn read(&self, object: &str, id: &str) -> Json {
        let answer = self.get(&format!("{V}/sobjects/{object}/{id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// A live token of another user than this client's.
    pub fn token_of_another_user(&self) -> String {
        let nina = NewUser {
            first_name: "Nina".to_owned(),
            last_name: "Berg".to_owned(),
            username: "nina@northwind.example".to_owned(),
            is_active: true,
        };
        let user = self.org.create_user(&nina).expect("a user");
        let session = Session {
            user,
            app: CONSUMER_KEY.to_owned(),
            scopes: vec!["api".to_owned()],
        };
        let now = self.org.clock().now();
        self.org
            .org()
            .tokens
            .issue(self.org.organization_id(), session, now)
    }

    /// A turn of one of the knobs for other processes.
    pub async fn knob(&self, method: Method, path: &str, body: &Json) -> Answer {
        self.send(self.http.request(method, self.url(path)).json(body))
            .await
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.org.url())
    }
}
