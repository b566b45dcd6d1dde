//! Who may see and do what.
// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]

mod fields;
mod metadata;
mod objects;
mod owners;
mod people;
mod record_types;
mod resources;
mod rows;

use emulated_org::access::PermissionSetDefinition;
use emulated_org::tokens::Session;
use emulated_org::{NewUser, Options};
use serde_json::{Value as Json, json};

use super::client::{CONSUMER_KEY, Client, V};

/// An organisation with Nina, an ordinary user, whose session the client has.
pub struct Nina {
    pub client: Client,
    pub admin_token: String,
    pub id: String,
}

pub const NINA: &str = "nina@northwind.example";

impl Nina {
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub async fn start_with(options: Options) -> Self {
        let client = Client::start_with(options).await;
        let admin_token = client.token.clone();
        let mut nina = Self {
            id: String::new(),
            client,
            admin_token,
        };
        (nina.id, nina.client.token) = nina.user("Nina", NINA);
        nina
    }

    /// Makes a user; the id and a token.
    pub fn user(&self, name: &str, username: &str) -> (String, String) {
        let user = self
            .client
            .org
            .create_user(&NewUser {
                first_name: name.to_owned(),
                last_name: "Berg".to_owned(),
                username: username.to_owned(),
                is_active: true,
            })
            .expect("a user");
        let session = Session {
            user,
            app: CONSUMER_KEY.to_owned(),
            scopes: vec!["api".to_owned()],
        };
        let now = self.client.org.clock().now();
        let tokens = &self.client.org.org().tokens;
        let token = tokens.issue(self.client.org.organization_id(), session, now);
        (user.to_string(), token)
    }

    /// Does something as the administrator.
    pub async fn as_admin<T>(&mut self, deed: impl AsyncFnOnce(&Client) -> T) -> T {
        let own = std::mem::replace(&mut self.client.token, self.admin_token.clone());
        let done = deed(&self.client).await;
        self.client.token = own;
        done
    }

    /// Gives Nina a permission set.
    pub fn grant(&self, name: &str, definition: &PermissionSetDefinition) {
        let org = self.client.org.org();
        org.add_permission_set(name, definition)
            .expect("a permission set");
        org.assign_permission_set(name, NINA).expect("assigned");
    }

    /// Takes from Nina all but the API.
    pub fn restrict(&self) {
        let org = self.client.org.org();
        org.set_profile(NINA, "Minimum Access - API Only Integrations")
            .expect("the profile");
    }

    /// The records that a query finds.
    pub async fn query(&self, soql: &str) -> Vec<Json> {
        let path = format!("{V}/query?q={}", soql.replace(' ', "+"));
        let answer = self.client.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["records"].as_array().cloned().expect("records")
    }

    /// Code and message of the refusal of a query.
    pub async fn refused(&self, soql: &str) -> (String, String) {
        let path = format!("{V}/query?q={}", soql.replace(' ', "+"));
        let (status, code, message, _) = self.client.get(&path).await.error();
        assert_eq!(status, 400);
        (code, message)
    }
}

pub fn contact(name: &str) -> Json {
    json!({ "LastName": name })
}
