//! How catalogue classes are declared.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Catalogue, PlatformClass, PlatformKind, PlatformMethod, PlatformMethodId, Property};
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::signature::{self, Signature, WrittenType};
use crate::types::{PlatformId, Type};

/// What does a catalogue method: the object (null for static methods, the type for constructors) and arguments.
pub type NativeFunction = fn(&mut Machine<'_>, &Value, &[Value]) -> Run<Value>;

/// All declarations, before the types in them are resolved.
#[derive(Default)]
pub struct Declarations {
    classes: Vec<ClassBuilder>,
}

struct WrittenMethod {
    signature: Signature,
    function: Option<NativeFunction>,
}

/// The declaration of one class.
pub struct ClassBuilder {
    namespace: String,
    name: String,
    kind: PlatformKind,
    parameters: Vec<String>,
    parents: Vec<WrittenType>,
    methods: Vec<WrittenMethod>,
    constructors: Vec<WrittenMethod>,
    properties: Vec<(Signature, NativeFunction, Option<NativeFunction>)>,
    constants: Vec<Arc<str>>,
    /// Signatures that could not be read: a mistake in the declaration, shown when a program names the class.
    malformed: Vec<String>,
}

impl Declarations {
    fn add(&mut self, qualified: &str, kind: PlatformKind) -> &mut ClassBuilder {
        let parsed = signature::parse_type(qualified);
        let (path, parameters) = match parsed {
            Some(written) => (
                written.name,
                written.arguments.into_iter().map(|a| a.name).collect(),
            ),
            None => (qualified.to_owned(), Vec::new()),
        };
        let (namespace, name) = path.split_once('.').unwrap_or(("System", &path));
        let builder = ClassBuilder {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            kind,
            parameters,
            parents: Vec::new(),
            methods: Vec::new(),
            constructors: Vec::new(),
            properties: Vec::new(),
            constants: Vec::new(),
            malformed: Vec::new(),
        };
        let place = self.classes.len();
        self.classes.push(builder);
        #[expect(clippy::indexing_slicing, reason = "pushed one line above")]
        &mut self.classes[place]
    }

    /// A class: `System.String`, `System.List<T>`.
    pub fn class(&mut self, name: &str) -> &mut ClassBuilder {
        self.add(name, PlatformKind::Class)
    }

    /// An interface that programs may implement.
    pub fn interface(&mut self, name: &str) -> &mut ClassBuilder {
        self.add(name, PlatformKind::Interface)
    }

    /// An enum with its constants.
    pub fn enumeration(&mut self, name: &str, constants: &[&str]) {
        self.add(name, PlatformKind::Enum).constants = constants.iter().map(|c| Arc::from(*c)).collect();
    }

    /// An exception class; all have the same methods and constructors.
    pub fn exception(&mut self, name: &str) -> &mut ClassBuilder {
        self.add(name, PlatformKind::Exception).extends("Exception")
    }

    pub(super) fn build(self) -> Catalogue {
        let mut catalogue = Catalogue::default();
        for builder in &self.classes {
            let key = format!("{}.{}", builder.namespace, builder.name).to_ascii_lowercase();
            catalogue.by_name.insert(key, PlatformId(catalogue.classes.len()));
            catalogue.classes.push(PlatformClass {
                namespace: builder.namespace.as_str().into(),
                name: builder.name.as_str().into(),
                kind: builder.kind,
                parameters: builder.parameters.clone(),
                parents: Vec::new(),
                methods: HashMap::new(),
                constructors: Vec::new(),
                properties: HashMap::new(),
                constants: builder.constants.clone(),
            });
        }
        for (index, builder) in self.classes.into_iter().enumerate() {
            builder.finish(PlatformId(index), &mut catalogue);
        }
        catalogue
    }
}

impl ClassBuilder {
    fn read(&mut self, text: &str) -> Option<Signature> {
        let signature = signature::parse(text);
        if signature.is_none() {
            self.malformed.push(text.to_owned());
        }
        signature
    }

    /// A method: `static String join(Object items, String separator)`.
    pub fn method(&mut self, text: &str, function: NativeFunction) -> &mut Self {
        if let Some(signature) = self.read(text) {
            self.methods.push(WrittenMethod {
                signature,
                function: Some(function),
            });
        }
        self
    }

    /// A method of an interface, which programs write.
    pub fn abstract_method(&mut self, text: &str) -> &mut Self {
        if let Some(signature) = self.read(text) {
            self.methods.push(WrittenMethod {
                signature,
                function: None,
            });
        }
        self
    }

    /// A constructor: `new(String text)`.
    pub fn constructor(&mut self, text: &str, function: NativeFunction) -> &mut Self {
        if let Some(signature) = self.read(text) {
            self.constructors.push(WrittenMethod {
                signature,
                function: Some(function),
            });
        }
        self
    }

    /// A property: `Integer delay`, with a setter where programs may write it.
    pub fn property(
        &mut self,
        text: &str,
        getter: NativeFunction,
        setter: Option<NativeFunction>,
    ) -> &mut Self {
        if let Some(signature) = self.read(text) {
            self.properties.push((signature, getter, setter));
        }
        self
    }

    /// What it extends or implements.
    pub fn extends(&mut self, text: &str) -> &mut Self {
        match signature::parse_type(text) {
            Some(written) => self.parents.push(written),
            None => self.malformed.push(text.to_owned()),
        }
        self
    }

    fn finish(self, id: PlatformId, catalogue: &mut Catalogue) {
        debug_assert!(self.malformed.is_empty(), "{}: {:?}", self.name, self.malformed);
        let parameters = self.parameters;
        let parents: Vec<_> = self
            .parents
            .iter()
            .map(|p| catalogue.resolve(p, &parameters))
            .collect();
        let mut methods: HashMap<String, Vec<PlatformMethodId>> = HashMap::new();
        let add = |catalogue: &mut Catalogue, signature: &Signature, name: &str, function| {
            let types = signature
                .parameters
                .iter()
                .map(|p| catalogue.resolve(p, &parameters))
                .collect();
            let returns = signature
                .returns
                .as_ref()
                .map_or(Type::Void, |r| catalogue.resolve(r, &parameters));
            catalogue.methods.push(PlatformMethod {
                class: id,
                name: name.into(),
                is_static: signature.is_static,
                parameters: types,
                returns,
                function,
            });
            PlatformMethodId(catalogue.methods.len() - 1)
        };
        for method in &self.methods {
            let name = &method.signature.name;
            let added = add(catalogue, &method.signature, name, method.function);
            methods.entry(name.to_ascii_lowercase()).or_default().push(added);
        }
        let mut constructors = Vec::new();
        for constructor in &self.constructors {
            constructors.push(add(
                catalogue,
                &constructor.signature,
                "<init>",
                constructor.function,
            ));
        }
        let mut properties = HashMap::new();
        for (signature, getter, setter) in &self.properties {
            let name = &signature.name;
            let reads = add(catalogue, signature, name, Some(*getter));
            let writes = setter.map(|setter| add(catalogue, signature, name, Some(setter)));
            let ty = catalogue.method(reads).returns.clone();
            let property = Property {
                ty,
                is_static: signature.is_static,
                getter: reads,
                setter: writes,
            };
            properties.insert(name.to_ascii_lowercase(), property);
        }
        if let Some(class) = catalogue.classes.get_mut(id.0) {
            class.parents = parents;
            class.methods = methods;
            class.constructors = constructors;
            class.properties = properties;
        }
    }
}
