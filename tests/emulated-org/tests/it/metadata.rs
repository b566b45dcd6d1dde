//! The Metadata API: deployments by SOAP and by REST.

#![cfg(test)]

mod apex;
mod apex_rules;
mod components;
mod custom_metadata;
mod deletion;
mod in_force;
mod objects;
mod package;
mod references;
mod rest;
mod soap;

use std::io::{Cursor, Write as _};

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};

pub const NAMESPACE: &str = "http://soap.sforce.com/2006/04/metadata";

/// A package in the making.
pub struct Zip {
    files: Vec<(String, Vec<u8>)>,
    manifest: Vec<(String, String)>,
}

impl Zip {
    pub fn new() -> Self {
        Self {
            files: Vec::new(),
            manifest: Vec::new(),
        }
    }

    /// A file as it is.
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.into()));
        self
    }

    /// A member of the manifest.
    pub fn names(mut self, kind: &str, name: &str) -> Self {
        self.manifest.push((kind.to_owned(), name.to_owned()));
        self
    }

    /// A component of one XML file: the elements inside its root.
    pub fn xml(self, kind: &str, path: &str, inside: &str) -> Self {
        let name = path
            .rsplit("/")
            .next()
            .and_then(|file| Some(file.rsplit_once(".")?.0))
            .expect("a name");
        let name = name.to_owned();
        self.file(path, &format!("<{kind} xmlns=\"{NAMESPACE}\">{inside}</{kind}>"))
            .names(kind, &name)
    }

    /// A custom field inside its object's file, or more of such parts.
    pub fn object(self, name: &str, inside: &str, parts: &[(&str, &str)]) -> Self {
        let path = format!("objects/{name}.object");
        let text = format!("<CustomObject xmlns=\"{NAMESPACE}\">{inside}</CustomObject>");
        let zip = self.file(&path, &text);
        parts.iter().fold(zip, |zip, (kind, part)| {
            zip.names(kind, &format!("{name}.{part}"))
        })
    }

    /// A class with its description.
    pub fn class(self, name: &str, body: &str) -> Self {
        let meta = format!(
            "<ApexClass xmlns=\"{NAMESPACE}\"><apiVersion>68.0</apiVersion><status>Active</status></ApexClass>"
        );
        self.file(&format!("classes/{name}.cls"), body)
            .file(&format!("classes/{name}.cls-meta.xml"), &meta)
            .names("ApexClass", name)
    }

    pub fn build(mut self) -> Vec<u8> {
        let types: String = self
            .manifest
            .iter()
            .map(|(kind, name)| format!("<types><members>{name}</members><name>{kind}</name></types>"))
            .collect();
        if !self.files.iter().any(|(path, _)| path == "package.xml") {
            let manifest = format!("<Package xmlns=\"{NAMESPACE}\">{types}<version>68.0</version></Package>");
            self.files.push(("package.xml".to_owned(), manifest.into_bytes()));
        }
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (path, bytes) in &self.files {
            zip.start_file(path.as_str(), zip::write::SimpleFileOptions::default())
                .expect("a file");
            zip.write_all(bytes).expect("its bytes");
        }
        zip.finish().expect("a zip").into_inner()
    }
}

impl Client {
    /// Sends a deployment by REST and answers its id.
    pub async fn begin_deploy(&self, zip: Vec<u8>, options: Json) -> crate::client::Answer {
        let entity = json!({ "deployOptions": options }).to_string();
        let mut body = b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"package.xml\"\r\nContent-Type: application/zip\r\n\r\n".to_vec();
        body.extend(zip);
        body.extend(format!("\r\n--edge\r\nContent-Disposition: form-data; name=\"entity_content\"\r\nContent-Type: application/json\r\n\r\n{entity}\r\n--edge--\r\n").into_bytes());
        let request = self
            .request(Method::POST, &format!("{V}/metadata/deployRequest"))
            .header("content-type", "multipart/form-data; boundary=edge")
            .body(body);
        self.send(request).await
    }

    pub async fn deploy_result(&self, id: &str) -> Json {
        let answer = self
            .get(&format!("{V}/metadata/deployRequest/{id}?includeDetails=true"))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["deployResult"].clone()
    }

    /// Deploys a package whole or not at all; the result.
    pub async fn deploy(&self, zip: Zip) -> Json {
        self.deploy_with(zip, json!({ "rollbackOnError": true, "singlePackage": true }))
            .await
    }

    pub async fn deploy_with(&self, zip: Zip, options: Json) -> Json {
        let begun = self.begin_deploy(zip.build(), options).await;
        assert_eq!(begun.status, 201, "{}", begun.text);
        let id = begun.json()["id"].as_str().expect("an id").to_owned();
        self.deploy_result(&id).await
    }

    /// Deploys what must go through.
    #[track_caller]
    pub fn succeeds(&self, zip: Zip) -> impl Future<Output = Json> {
        let place = std::panic::Location::caller();
        async move {
            let result = self.deploy(zip).await;
            assert_eq!(result["status"], "Succeeded", "{place}: {result:#}");
            result
        }
    }

    /// Deploys what must be refused; type, name and problem of its only failure.
    #[track_caller]
    pub fn fails(&self, zip: Zip) -> impl Future<Output = (String, String, String)> {
        let place = std::panic::Location::caller();
        async move {
            let result = self.deploy(zip).await;
            assert_eq!(result["status"], "Failed", "{place}: {result:#}");
            let failures = result["details"]["componentFailures"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            assert_eq!(failures.len(), 1, "{place}: {result:#}");
            let text = |name: &str| failures[0][name].as_str().unwrap_or_default().to_owned();
            (text("componentType"), text("fullName"), text("problem"))
        }
    }
}

/// A text field.
pub fn text_field(name: &str) -> String {
    format!(
        "<fields><fullName>{name}</fullName><label>{name}</label><length>40</length><type>Text</type></fields>"
    )
}
